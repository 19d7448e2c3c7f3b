"""The machine sizes that a region offers this subscription, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.azure.clients import AzureClients
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from azure.mgmt.compute.models import ResourceSku

ARM64 = "Arm64"
# https://learn.microsoft.com/azure/virtual-machine-scale-sets/instance-mix-overview
SIZES_LIMIT = 5
SCALE_SET_LIMIT = 1_000
_MACHINES = "virtualMachines"
_FORBIDDEN = "NotAvailableForSubscription"


@dataclass(frozen=True, slots=True)
class Size:
    """A machine size.

    Attributes:
        name: For example ``Standard_D2s_v5``.
        family: What its quota is counted under, for example ``standardDSv5Family``.
        vcpus: How many it has.
        architecture: ``x64`` or ``Arm64``.
        forbidden: Whether the region denies it to this subscription.
    """

    name: str
    family: str
    vcpus: int
    architecture: str
    forbidden: bool


def wanted_sizes(clients: AzureClients, spec: LaunchSpec) -> tuple[Size, ...]:
    """The sizes that a launch names, in its order.

    Raises:
        ConfigurationRejectedError: The region does not offer one of them, or one scale set cannot
            hold them all.
    """
    if len(spec.machine_types) > SIZES_LIMIT:
        raise ConfigurationRejectedError(
            f"Azure takes {SIZES_LIMIT} machine sizes in one launch, not {len(spec.machine_types)}"
        )
    if spec.count > SCALE_SET_LIMIT:
        raise ConfigurationRejectedError(
            f"Azure takes {SCALE_SET_LIMIT:,} machines in one launch, not {spec.count:,}; spread "
            "them over regions, or use larger machines",
            limit=SCALE_SET_LIMIT,
            wanted=spec.count,
        )
    offered = _offered(clients, spec)
    for name in spec.machine_types:
        _check_offered(name, offered, spec.region)
    sizes = tuple(offered[name] for name in spec.machine_types)
    if len({size.architecture for size in sizes}) > 1:
        raise ConfigurationRejectedError(
            "Azure mixes no machine sizes of different processors in one launch: "
            + ", ".join(f"{size.name} is {size.architecture}" for size in sizes)
        )
    return sizes


def _offered(clients: AzureClients, spec: LaunchSpec) -> dict[str, Size]:
    """Those of the sizes wanted that the region has, by name.

    Raises:
        ConfigurationRejectedError: There is no such region.
    """

    def list_them() -> tuple[int, dict[str, Size]]:
        sold = list(clients.compute.resource_skus.list(filter=f"location eq '{spec.region}'"))
        wanted = [one for one in sold if one.name in spec.machine_types]
        return len(sold), {size.name: size for size in map(_size, wanted) if size is not None}

    sold, sizes = clients.call("ResourceSkus.List", spec.region, list_them)
    if not sold:
        raise ConfigurationRejectedError(
            f"{spec.region!r} is no region of Azure, or offers this subscription nothing; "
            "`az account list-locations --output table` lists them",
            region=spec.region,
        )
    return sizes


def _check_offered(name: str, offered: Mapping[str, Size], region: str) -> None:
    if name not in offered:
        raise ConfigurationRejectedError(
            f"Azure {region} does not offer the machine size {name}",
            region=region,
            machine_type=name,
        )
    if offered[name].forbidden:
        raise ConfigurationRejectedError(
            f"Azure {region} denies the machine size {name} to this subscription; ask for it in a "
            "support request, or use another size or region",
            region=region,
            machine_type=name,
        )


def _size(sku: ResourceSku) -> Size | None:
    """What is sold, if it is machines."""
    if sku.resource_type != _MACHINES or sku.name is None:
        return None
    capabilities = {one.name: one.value for one in sku.capabilities or []}
    return Size(
        name=sku.name,
        family=sku.family or "",
        vcpus=int(capabilities.get("vCPUs") or 0),
        architecture=capabilities.get("CpuArchitectureType") or "x64",
        forbidden=any(
            one.type == "Location" and one.reason_code == _FORBIDDEN
            for one in sku.restrictions or []
        ),
    )
