"""How many vCPUs and public addresses the subscription may have, and how many it has.

Nineteen in twenty refusals of Azure are a family's quota, so it is worth a look before money is
spent: https://learn.microsoft.com/azure/virtual-machines/quotas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from providers.azure.clients import AzureClients
from providers.azure.sizes import VmSize
from providers.contract import LaunchSpec
from providers.errors import QuotaExceededError

REGIONAL_VCPUS = "cores"
HOW_TO_HAVE_MORE = "ask for more under Quotas in the portal, or use another region"
# Every machine has a public address of its own, and an interface.
PER_MACHINE = (
    "PublicIPAddresses",
    "StandardSkuPublicIpAddresses",
    "IPv4StandardSkuPublicIpAddresses",
    "NetworkInterfaces",
)


class QuotaUsage(Struct, frozen=True):
    """What a quota allows, and what is taken of it."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        """What may still be had."""
        return max(0, self.limit - self.used)


def check_quota(clients: AzureClients, spec: LaunchSpec, sizes: Sequence[VmSize]) -> None:
    """Refuse what would exceed a quota even with the fewest and smallest machines.

    Raises:
        QuotaExceededError: With ``quota``, ``limit``, ``used`` and ``wanted``.
    """
    machines = machine_usages(clients, spec.region)
    smallest = min(size.vcpus for size in sizes)
    _check(spec, REGIONAL_VCPUS, machines.get(REGIONAL_VCPUS), spec.min_count * smallest, "vCPUs")
    known = [size for size in sizes if size.family in machines]
    room = sum(machines[size.family].left // size.vcpus for size in known)
    if len(known) == len(sizes) and room < spec.min_count:
        size = known[0]
        _check(spec, size.family, machines[size.family], spec.min_count * size.vcpus, "vCPUs")
    network = _network_usages(clients, spec.region)
    for quota in PER_MACHINE:
        _check(spec, quota, network.get(quota), spec.min_count, quota)


def _check(spec: LaunchSpec, quota: str, usage: QuotaUsage | None, wanted: int, what: str) -> None:
    if usage is not None and wanted > usage.left:
        raise QuotaExceededError(
            f"Azure {spec.region}: {wanted} {what} are wanted and {usage.used} of {usage.limit} "
            f"are in use ({quota}); {HOW_TO_HAVE_MORE}",
            region=spec.region,
            quota=quota,
            limit=usage.limit,
            used=usage.used,
            wanted=wanted,
        )


def machine_usages(clients: AzureClients, region: str) -> Mapping[str, QuotaUsage]:
    """The quotas of machines in a region, in vCPUs, by name: ``cores``, and one a family."""

    def list_them() -> dict[str, QuotaUsage]:
        pages = clients.compute.usage.list(region)
        return {one.name.value or "": QuotaUsage(one.limit, one.current_value) for one in pages}

    return clients.call("Usage.List", region, list_them)


def _network_usages(clients: AzureClients, region: str) -> Mapping[str, QuotaUsage]:
    def list_them() -> dict[str, QuotaUsage]:
        pages = clients.network.usages.list(region)
        return {one.name.value or "": QuotaUsage(one.limit, one.current_value) for one in pages}

    return clients.call("Usages.List", region, list_them)
