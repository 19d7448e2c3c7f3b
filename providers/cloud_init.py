"""User data as cloud-init reads it: the parts that a machine executes when it boots.

https://docs.cloud-init.io/en/latest/explanation/format.html
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError

BOOT_HOOK = "text/cloud-boothook"
"""Runs before anything else, and again on every boot."""

SHELL_SCRIPT = "text/x-shellscript"
"""Runs once the machine is up."""

_CONTENT_TYPES = {
    "#!": SHELL_SCRIPT,
    "#cloud-config": "text/cloud-config",
    "#cloud-boothook": BOOT_HOOK,
}


# A clock that is wrong, or a test clock's expiry, cannot stretch the machine's life beyond its
# length.
_SECONDS_LEFT = """left=$(( {expires_at_s} - $(date +%s) ))
[ "$left" -le {lifetime_s} ] || left={lifetime_s}
[ "$left" -ge 1 ] || left=1"""


def seconds_left(spec: LaunchSpec) -> str:
    """Lines of shell that set ``left`` to how long the machine has until its hard expiry."""
    lifetime = spec.expires_at - spec.created_at
    return _SECONDS_LEFT.format(
        expires_at_s=math.ceil(spec.expires_at.timestamp()),
        lifetime_s=max(1, math.ceil(lifetime.total_seconds())),
    )


def boot_document(dead_man: str, user_data: str, limit_bytes: int, cloud: str) -> str:
    """What a machine boots: its dead man first, then its work, if it has any.

    Raises:
        ConfigurationRejectedError: If it is larger than the cloud takes, or of an unknown kind.
    """
    parts = [(BOOT_HOOK, dead_man)]
    if user_data:
        parts.append((content_type(user_data), user_data))
    document = multipart(parts)
    check_size(document, limit_bytes, cloud)
    return document


def content_type(user_data: str) -> str:
    """What cloud-init calls a script of this kind.

    Raises:
        ConfigurationRejectedError: It would not know what to do with it.
    """
    for beginning, kind in _CONTENT_TYPES.items():
        if user_data.startswith(beginning):
            return kind
    first_line = user_data.splitlines()[0] if user_data.strip() else ""
    raise ConfigurationRejectedError(
        f"user data begins with {first_line[:40]!r}; it must begin with one of "
        f"{', '.join(_CONTENT_TYPES)}"
    )


def multipart(parts: Sequence[tuple[str, str]]) -> str:
    """Parts, each a content type and its text, as one document.

    The boundary follows from the content, so equal is equal.
    """
    boundary = (
        "loadmuster-" + hashlib.sha256("".join(text for _, text in parts).encode()).hexdigest()
    )
    sections = [
        f'--{boundary}\nContent-Type: {kind}; charset="utf-8"\n\n{text}\n' for kind, text in parts
    ]
    head = f'Content-Type: multipart/mixed; boundary="{boundary}"\nMIME-Version: 1.0\n\n'
    return f"{head}{''.join(sections)}--{boundary}--\n"


def check_size(script: str, limit_bytes: int, cloud: str) -> None:
    """Refuse a boot script that a cloud would not take.

    Raises:
        ConfigurationRejectedError: With ``size_bytes`` and ``limit_bytes``.
    """
    size_bytes = len(script.encode())
    if size_bytes > limit_bytes:
        raise ConfigurationRejectedError(
            f"the boot script has {size_bytes} bytes with its dead man, {cloud} takes "
            f"{limit_bytes}; fetch the payload from somewhere instead",
            size_bytes=size_bytes,
            limit_bytes=limit_bytes,
        )
