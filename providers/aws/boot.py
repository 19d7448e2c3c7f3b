"""What a machine of EC2 does when it boots: arm its dead man, then do the run's work.

The dead man is the last guard against a forgotten machine. It is armed by a boot hook, before
anything else and again on every boot, and shuts the machine down at the hard expiry; the launch
template makes a shutdown a termination.
"""

from __future__ import annotations

import hashlib
import math

from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html: raw, before base64.
USER_DATA_LIMIT_BYTES = 16_384

# https://docs.cloud-init.io/en/latest/explanation/format.html
_CONTENT_TYPES = {
    "#!": "text/x-shellscript",
    "#cloud-config": "text/cloud-config",
    "#cloud-boothook": "text/cloud-boothook",
}

# `shutdown` and `poweroff` terminate the machine, `halt` would not. systemd-run speaks to the init
# system itself and works this early; where it does not, shutdown's own timer stands in. A clock
# that is wrong, or a test clock's expiry, cannot stretch the machine's life beyond its length.
_DEAD_MAN = """#cloud-boothook
#!/bin/sh
left=$(( {expires_at_s} - $(date +%s) ))
[ "$left" -le {lifetime_s} ] || left={lifetime_s}
[ "$left" -ge 1 ] || left=1
systemd-run --on-active="$left" shutdown -h now || shutdown -h "+$(( (left + 59) / 60 ))"
"""


def boot_script(spec: LaunchSpec) -> str:
    """The user data of a launch: a function of the spec alone, so that a retry sends the same.

    Raises:
        ConfigurationRejectedError: If it is larger than EC2 takes, or of an unknown kind.
    """
    parts = [("text/cloud-boothook", _dead_man(spec))]
    if spec.user_data:
        parts.append((_content_type(spec.user_data), spec.user_data))
    script = _multipart(parts)
    size_bytes = len(script.encode())
    if size_bytes > USER_DATA_LIMIT_BYTES:
        raise ConfigurationRejectedError(
            f"the boot script has {size_bytes} bytes with its dead man, EC2 takes "
            f"{USER_DATA_LIMIT_BYTES}; fetch the payload from somewhere instead",
            size_bytes=size_bytes,
            limit_bytes=USER_DATA_LIMIT_BYTES,
        )
    return script


def _dead_man(spec: LaunchSpec) -> str:
    lifetime = spec.expires_at - spec.created_at
    return _DEAD_MAN.format(
        expires_at_s=math.ceil(spec.expires_at.timestamp()),
        lifetime_s=max(1, math.ceil(lifetime.total_seconds())),
    )


def _content_type(user_data: str) -> str:
    for beginning, content_type in _CONTENT_TYPES.items():
        if user_data.startswith(beginning):
            return content_type
    first_line = user_data.splitlines()[0] if user_data.strip() else ""
    raise ConfigurationRejectedError(
        f"user data begins with {first_line[:40]!r}; it must begin with one of "
        f"{', '.join(_CONTENT_TYPES)}"
    )


def _multipart(parts: list[tuple[str, str]]) -> str:
    """MIME as cloud-init reads it; the boundary follows from the content, so equal is equal."""
    boundary = (
        "loadmuster-" + hashlib.sha256("".join(text for _, text in parts).encode()).hexdigest()
    )
    sections = [
        f'--{boundary}\nContent-Type: {content_type}; charset="utf-8"\n\n{text}\n'
        for content_type, text in parts
    ]
    head = f'Content-Type: multipart/mixed; boundary="{boundary}"\nMIME-Version: 1.0\n\n'
    return f"{head}{''.join(sections)}--{boundary}--\n"
