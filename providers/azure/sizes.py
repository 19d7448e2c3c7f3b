"""The machine sizes that a region offers this subscription, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from azure.core.rest import HttpRequest
from msgspec import Struct

from providers.azure.clients import AzureClients
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError

ARM64 = "Arm64"
# https://learn.microsoft.com/azure/virtual-machine-scale-sets/instance-mix-overview
SIZES_LIMIT = 5
SCALE_SET_LIMIT = 1_000
API_VERSION = "2021-07-01"
PAGES_LIMIT = 50
_MACHINES = "virtualMachines"
_FORBIDDEN = "NotAvailableForSubscription"


class VmSize(Struct, frozen=True):
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


def wanted_sizes(clients: AzureClients, spec: LaunchSpec) -> tuple[VmSize, ...]:
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


def _offered(clients: AzureClients, spec: LaunchSpec) -> dict[str, VmSize]:
    """Those of the sizes wanted that the region has, by name.

    Raises:
        ConfigurationRejectedError: There is no such region.
    """
    sold = 0
    found: dict[str, VmSize] = {}
    address: str | None = (
        f"/subscriptions/{clients.connection.subscription_id}/providers/Microsoft.Compute/skus"
        f"?api-version={API_VERSION}&$filter=location eq '{spec.region}'"
    )
    for _ in range(PAGES_LIMIT):
        if address is None:
            break
        page = clients.call("ResourceSkus.List", spec.region, partial(_page, clients, address))
        sold += len(page["value"])
        found |= {
            sku["name"]: _size(sku)
            for sku in page["value"]
            if sku["resourceType"] == _MACHINES and sku["name"] in spec.machine_types
        }
        address = page.get("nextLink")
    if not sold:
        raise ConfigurationRejectedError(
            f"{spec.region!r} is no region of Azure, or offers this subscription nothing; "
            "`az account list-locations --output table` lists them",
            region=spec.region,
        )
    return found


def _check_offered(name: str, offered: Mapping[str, VmSize], region: str) -> None:
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


def _page(clients: AzureClients, address: str) -> dict[str, Any]:
    """One page of what is sold.

    Read as plain JSON: a region sells some thousands of things, of which the SDK would make an
    object each, and that takes longer than the call.
    """
    response = clients.compute.send_request(HttpRequest("GET", address))
    response.raise_for_status()
    page: dict[str, Any] = response.json()
    return page


def _size(sku: Mapping[str, Any]) -> VmSize:
    capabilities = {one["name"]: one["value"] for one in sku.get("capabilities", [])}
    return VmSize(
        name=sku["name"],
        family=sku.get("family", ""),
        vcpus=int(capabilities["vCPUs"]),
        architecture=capabilities.get("CpuArchitectureType", "x64"),
        forbidden=any(
            one["type"] == "Location" and one.get("reasonCode") == _FORBIDDEN
            for one in sku.get("restrictions", [])
        ),
    )
