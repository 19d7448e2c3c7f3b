"""The login that Azure insists on and nobody needs: a key whose private half is thrown away."""

from __future__ import annotations

KEY_BITS = 2_048


def throwaway_key() -> str:
    """A public key, in the form of OpenSSH, for which nobody has the private one."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
