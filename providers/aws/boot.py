"""What a machine of EC2 does when it boots: arm its dead man, then do the run's work.

The dead man is the last guard against a forgotten machine. It is armed by a boot hook, before
anything else and again on every boot, and shuts the machine down at the hard expiry; the launch
template makes a shutdown a termination.
"""

from __future__ import annotations

import math

from providers.cloud_init import BOOT_HOOK, check_size, content_type, multipart
from providers.contract import LaunchSpec

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html: raw, before base64.
USER_DATA_LIMIT_BYTES = 16_384

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
    parts = [(BOOT_HOOK, _dead_man(spec))]
    if spec.user_data:
        parts.append((content_type(spec.user_data), spec.user_data))
    script = multipart(parts)
    check_size(script, USER_DATA_LIMIT_BYTES, "EC2")
    return script


def _dead_man(spec: LaunchSpec) -> str:
    lifetime = spec.expires_at - spec.created_at
    return _DEAD_MAN.format(
        expires_at_s=math.ceil(spec.expires_at.timestamp()),
        lifetime_s=max(1, math.ceil(lifetime.total_seconds())),
    )
