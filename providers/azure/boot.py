"""What a machine of Azure does when it boots: arm its dead man, then do the run's work.

The dead man is the last guard against a forgotten machine. It is armed by a boot hook, before
anything else and again on every boot. A machine of Azure that shuts itself down is billed on, so
at the hard expiry it asks Azure, as its own identity, to delete the run's resource group, with
everything that the run has there. Without an identity it can only power itself off.
"""

from __future__ import annotations

import base64
import math

from providers.azure.connection import Connection
from providers.azure.names import run_group
from providers.cloud_init import BOOT_HOOK, check_size, content_type, multipart
from providers.contract import LaunchSpec

# https://learn.microsoft.com/azure/virtual-machines/custom-data: decoded.
CUSTOM_DATA_LIMIT_BYTES = 65_535
FORCED_TYPES = "Microsoft.Compute/virtualMachines,Microsoft.Compute/virtualMachineScaleSets"
RESOURCES_API_VERSION = "2025-04-01"
TRIES = 60
TRY_WAIT_S = 30

# systemd-run speaks to the init system itself and works this early; where it does not, a shell in
# the background waits. A clock that is wrong, or a test clock's expiry, cannot stretch the
# machine's life beyond its length.
_ARM = """#cloud-boothook
#!/bin/sh
cat > {script} <<'DEAD_MAN'
{dead_man}DEAD_MAN
left=$(( {expires_at_s} - $(date +%s) ))
[ "$left" -le {lifetime_s} ] || left={lifetime_s}
[ "$left" -ge 1 ] || left=1
if ! systemd-run --on-active="$left" /bin/sh {script}; then
  {{ sleep "$left"; /bin/sh {script}; }} > /dev/null 2>&1 &
fi
"""
_SCRIPT = "/run/loadmuster-dead-man"

# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
_DELETE_GROUP = """token_url='http://169.254.169.254/metadata/identity/oauth2/token'
query='api-version=2018-02-01&resource={audience}{client}'
try=0
while [ "$try" -lt {tries} ]; do
  token=$(curl -sf --noproxy '*' -H 'Metadata: true' "$token_url?$query" |
    sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p')
  curl -sf -o /dev/null -X DELETE -H "Authorization: Bearer $token" \\
    '{group_url}' && break
  try=$(( try + 1 ))
  sleep {try_wait_s}
done
"""
_POWER_OFF = "shutdown -h now\n"


def boot_script(spec: LaunchSpec, connection: Connection) -> str:
    """The custom data of a launch, raw: a function of its arguments alone.

    Raises:
        ConfigurationRejectedError: If it is larger than Azure takes, or of an unknown kind.
    """
    parts = [(BOOT_HOOK, _arm(spec, connection))]
    if spec.user_data:
        parts.append((content_type(spec.user_data), spec.user_data))
    script = multipart(parts)
    check_size(script, CUSTOM_DATA_LIMIT_BYTES, "Azure")
    return script


def custom_data(script: str) -> str:
    """A boot script as the create call carries it."""
    return base64.b64encode(script.encode()).decode()


def _arm(spec: LaunchSpec, connection: Connection) -> str:
    lifetime = spec.expires_at - spec.created_at
    return _ARM.format(
        script=_SCRIPT,
        dead_man=_dead_man(spec, connection),
        expires_at_s=math.ceil(spec.expires_at.timestamp()),
        lifetime_s=max(1, math.ceil(lifetime.total_seconds())),
    )


def _dead_man(spec: LaunchSpec, connection: Connection) -> str:
    """What runs at the expiry: every machine of the run asks for the same, the first one does it.

    Powered off at last, a machine at least puts no more load on anything.
    """
    if connection.identity_id is None:
        return _POWER_OFF
    client_id = connection.identity_client_id
    group = (
        f"/subscriptions/{connection.subscription_id}"
        f"/resourceGroups/{run_group(spec.run_id, spec.region)}"
    )
    return (
        _DELETE_GROUP.format(
            audience=f"{connection.endpoint}/",
            client=f"&client_id={client_id}" if client_id else "",
            group_url=f"{connection.endpoint}{group}?api-version={RESOURCES_API_VERSION}"
            f"&forceDeletionTypes={FORCED_TYPES}",
            tries=TRIES,
            try_wait_s=TRY_WAIT_S,
        )
        + _POWER_OFF
    )
