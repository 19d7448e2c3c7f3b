"""Whose certificates a load test believes; the same whatever puts the load on."""

from __future__ import annotations

from msgspec import Struct


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """How the target's certificate is looked at.

    Attributes:
        verify: Whether it has to be valid, and for the target's name.
        ca_pem: The authorities that are believed instead of the machine's own, as PEM; None: the
            machine's own.
    """

    verify: bool = True
    ca_pem: str | None = None
