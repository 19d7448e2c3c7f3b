"""User data as cloud-init reads it: the parts that a machine executes when it boots.

https://docs.cloud-init.io/en/latest/explanation/format.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from providers.errors import ConfigurationRejectedError

BOOT_HOOK = "text/cloud-boothook"
"""Runs before anything else, and again on every boot."""

_CONTENT_TYPES = {
    "#!": "text/x-shellscript",
    "#cloud-config": "text/cloud-config",
    "#cloud-boothook": BOOT_HOOK,
}


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
