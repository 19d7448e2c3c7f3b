"""What a machine of EC2 does when it boots: arm its dead man, then do the run's work.

The dead man is the last guard against a forgotten machine. It is armed by a boot hook, before
anything else and again on every boot, and shuts the machine down at the hard expiry; the launch
template makes a shutdown a termination.
"""

from __future__ import annotations

from providers.cloud_init import boot_document, seconds_left
from providers.contract import LaunchSpec

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html: raw, before base64.
USER_DATA_LIMIT_BYTES = 16_384

# `shutdown` and `poweroff` terminate the machine, `halt` would not. systemd-run speaks to the init
# system itself and works this early; where it does not, shutdown's own timer stands in.
_DEAD_MAN = """#cloud-boothook
#!/bin/sh
{seconds_left}
systemd-run --on-active="$left" shutdown -h now || shutdown -h "+$(( (left + 59) / 60 ))"
"""


def boot_script(spec: LaunchSpec) -> str:
    """The user data of a launch: a function of the spec alone, so that a retry sends the same.

    Raises:
        ConfigurationRejectedError: If it is larger than EC2 takes, or of an unknown kind.
    """
    dead_man = _DEAD_MAN.format(seconds_left=seconds_left(spec))
    return boot_document(dead_man, spec.user_data, USER_DATA_LIMIT_BYTES, "EC2")
