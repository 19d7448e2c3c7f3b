"""What a machine of Azure does when it boots: arm its dead man, then do the run's work.

The dead man is the last guard against a forgotten machine. It is armed by a boot hook, before
anything else and again on every boot. A machine of Azure that shuts itself down is billed on, so
at the hard expiry it asks Azure, as its own identity, to delete the run's resource group, with
everything that the run has there. Without an identity it can only power itself off.
"""

from __future__ import annotations

import base64

from providers.azure.connection import Connection
from providers.azure.names import run_group
from providers.cloud_init import boot_document, seconds_left
from providers.contract import LaunchSpec

# https://learn.microsoft.com/azure/virtual-machines/custom-data: decoded.
CUSTOM_DATA_LIMIT_BYTES = 65_535
FORCED_TYPES = "Microsoft.Compute/virtualMachines,Microsoft.Compute/virtualMachineScaleSets"
RESOURCES_API_VERSION = "2025-04-01"
TRIES = 60
TRY_WAIT_S = 30

# systemd-run speaks to the init system itself and works this early; where it does not, a shell in
# the background waits.
_ARM = """#cloud-boothook
#!/bin/sh
cat > {script} <<'DEAD_MAN'
{dead_man}DEAD_MAN
{seconds_left}
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
    return boot_document(_arm(spec, connection), spec.user_data, CUSTOM_DATA_LIMIT_BYTES, "Azure")


def custom_data(script: str) -> str:
    """A boot script as the create call carries it."""
    return base64.b64encode(script.encode()).decode()


def _arm(spec: LaunchSpec, connection: Connection) -> str:
    return _ARM.format(
        script=_SCRIPT,
        dead_man=_dead_man(spec, connection),
        seconds_left=seconds_left(spec),
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
