"""What a rehearsed Azure can give: regions, machine sizes, and how many machines there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from providers.rehearsal.fault_injector import FaultInjector

_REGION_NAMES = """
    australiacentral australiacentral2 australiaeast australiasoutheast austriaeast brazilsouth
    brazilsoutheast canadacentral canadaeast centralindia centralus chilecentral
    eastasia eastus eastus2 francecentral francesouth germanynorth
    germanywestcentral indonesiacentral israelcentral italynorth japaneast japanwest
    jioindiacentral jioindiawest koreacentral koreasouth malaysiawest mexicocentral
    newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral
    qatarcentral southafricanorth southafricawest southcentralus southeastasia southindia
    spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest uaecentral
    uaenorth uksouth ukwest westcentralus westeurope westindia
    westus westus2 westus3
"""
REGIONS = frozenset(_REGION_NAMES.split())
# Series, version, features, vCPUs: Standard_ + series + vCPUs + features + _v + version; "-" is a
# size without features. https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
_SERIES = (
    ("B", "", "s", (1, 2)),
    ("B", "", "ms", (1, 2, 4, 8, 12, 16, 20)),
    ("B", "", "ls", (1,)),
    ("B", "2", "pls ps", (2, 4, 8, 16)),
    ("B", "2", "als as ls s", (2, 4, 8, 16, 32)),
    ("B", "2", "ats pts ts", (2,)),
    ("D", "3", "- s", (2, 4, 8, 16, 32, 48, 64)),
    ("D", "4", "- d ds s", (2, 4, 8, 16, 32, 48, 64)),
    ("D", "4", "a as", (2, 4, 8, 16, 32, 48, 64, 96)),
    ("D", "5", "pds plds pls ps", (2, 4, 8, 16, 32, 48, 64)),
    ("D", "5", "- ads as d ds lds ls s", (2, 4, 8, 16, 32, 48, 64, 96)),
    ("D", "6", "ads alds als as pds plds pls ps", (2, 4, 8, 16, 32, 48, 64, 96)),
    ("D", "6", "lds ls nds nlds nls ns", (2, 4, 8, 16, 32, 48, 64, 96, 128)),
    ("D", "6", "ds s", (2, 4, 8, 16, 32, 48, 64, 96, 128, 192)),
    ("D", "7", "ads alds als as", (2, 4, 8, 16, 32, 48, 64, 96, 128, 160)),
    ("D", "7", "ds lds ls s", (2, 4, 8, 16, 32, 48, 64, 96, 128, 192)),
    ("F", "", "- s", (1, 2, 4, 8, 16)),
    ("F", "2", "s", (2, 4, 8, 16, 32, 48, 64, 72)),
    ("F", "6", "als ams as", (2, 4, 8, 16, 32, 48, 64)),
    ("F", "7", "ads alds als amds ams as", (1, 2, 4, 8, 16, 32, 48, 64, 80)),
)
_NAME = re.compile(r"Standard_([A-Z])(\d+)([a-z]*)(?:_v(\d+))?")
ADDRESSES_LIMIT = 1_000
VCPUS_LIMIT = 10_000
_DEFAULT_CODE = "InsufficientInstanceCapacity"
CAPACITY_CODE = "AllocationFailed"


@cache
def offered() -> frozenset[str]:
    """The names of all machine sizes; a rehearsed region has them all."""
    return frozenset(
        f"Standard_{series}{vcpus}{'' if feature == '-' else feature}{version and f'_v{version}'}"
        for series, version, features, sizes in _SERIES
        for feature in features.split()
        for vcpus in sizes
    )


def vcpus_of(size: str) -> int:
    """How many vCPUs a size has."""
    return int(_parts(size)[1])


def architecture_of(size: str) -> str:
    """``Arm64`` or ``x64``."""
    return "Arm64" if "p" in _parts(size)[2] else "x64"


def family_of(size: str) -> str:
    """What the size's quota is counted under."""
    series, _, features, version = _parts(size)
    return f"standard{series}{features.upper()}{f'v{version}' if version else ''}Family"


def skus(region: str) -> Iterator[dict[str, Any]]:
    """All that is sold in a region, as Azure lists it: not machines alone."""
    if region not in REGIONS:
        return
    yield {"resourceType": "disks", "name": "StandardSSD_LRS", "locations": [region]}
    for size in sorted(offered()):
        yield {
            "resourceType": "virtualMachines",
            "name": size,
            "family": family_of(size),
            "locations": [region],
            "capabilities": [
                {"name": "vCPUs", "value": str(vcpus_of(size))},
                {"name": "CpuArchitectureType", "value": architecture_of(size)},
            ],
            "restrictions": [],
        }


def machine_usages(world: FaultInjector, in_use: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The quotas of machines in a region, and what its machines take of them."""
    used = sum(vcpus_of(size) for size in in_use)
    limit = world.vcpu_limit(spot=False)
    yield _usage("cores", VCPUS_LIMIT if limit is None else limit, used)
    for family in sorted({family_of(size) for size in offered()}):
        taken = sum(vcpus_of(size) for size in in_use if family_of(size) == family)
        yield _usage(family, VCPUS_LIMIT, taken)


def address_usages(machines: int) -> Iterator[dict[str, Any]]:
    """The quotas of the network in a region, and what its machines take of them."""
    for name in ("PublicIPAddresses", "StandardSkuPublicIpAddresses"):
        yield _usage(name, ADDRESSES_LIMIT, machines)


class Allocation(Struct, frozen=True):
    """What a scale set gets: a size for each machine that can be had, and why not more."""

    sizes: Sequence[str]
    failure: tuple[str, str] | None


def allocate(world: FaultInjector, sizes: Sequence[str], wanted: int) -> Allocation:
    """Machines of the sizes, in their order, as long as there are any."""
    given: list[str] = []
    code = CAPACITY_CODE
    for size in sizes:
        short = world.shortage(size)
        left = wanted - len(given)
        given += [size] * (left if short is None else min(left, short.available))
        if short is not None and short.code != _DEFAULT_CODE:
            code = short.code
    if len(given) == wanted:
        return Allocation(given, None)
    message = (
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this "
        "region."
    )
    return Allocation(given, (code, message))


def _parts(size: str) -> Sequence[str]:
    found = _NAME.fullmatch(size)
    assert found, size
    return found.groups(default="")


def _usage(name: str, limit: int, used: int) -> dict[str, Any]:
    return {
        "unit": "Count",
        "limit": limit,
        "currentValue": used,
        "name": {"value": name, "localizedValue": name},
    }
