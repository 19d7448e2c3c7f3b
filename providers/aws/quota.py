"""How many vCPUs the account may run, where AWS tells; where it does not, nobody knows.

Limits count vCPUs, in a region, of a group of families, for on-demand and for spot machines apart.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kernel.errors import ProviderFailedError
from providers.aws.clients import AwsClients
from providers.aws.inventory import PAGE_SIZE
from providers.contract import LaunchSpec
from providers.errors import QuotaExceededError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

SPOT = "spot"


class FamilyQuota(Struct, frozen=True):
    """One limit of Service Quotas on on-demand machines, and its sister on spot machines.

    Attributes:
        name: For people.
        types: Which machine types count.
        on_demand: Quota code.
        spot: Quota code.
    """

    name: str
    types: re.Pattern[str]
    on_demand: str
    spot: str

    def code(self, *, spot: bool) -> str:
        """The quota code of on-demand or of spot machines."""
        return self.spot if spot else self.on_demand


STANDARD: Final = FamilyQuota(
    "standard (A, C, D, H, I, M, R, T, Z)",
    re.compile(r"(?:[acdhimrtz]|im|is)\d"),
    on_demand="L-1216C47A",
    spot="L-34B43A08",
)
FAMILIES: Final = (
    STANDARD,
    FamilyQuota(
        "G and VT", re.compile(r"(?:g|gr|vt)\d"), on_demand="L-DB2E81BA", spot="L-3819A6DF"
    ),
    FamilyQuota("P", re.compile(r"p\d"), on_demand="L-417A185B", spot="L-7212CCBC"),
)


class Standing(Struct, frozen=True):
    """vCPUs in a region: how many may run, and how many do."""

    limit: int
    used: int


def check_quota(clients: AwsClients, spec: LaunchSpec, vcpus: Mapping[str, int]) -> None:
    """Refuse what would exceed the account's limit even with the smallest type and fleet.

    Args:
        clients: How AWS is called.
        spec: The launch.
        vcpus: Of each machine type wanted.

    Raises:
        QuotaExceededError: With ``quota``, ``limit``, ``used`` and ``wanted``, in vCPUs.
    """
    family = _common_family(vcpus)
    standing = standing_of(clients, spec.region, family, spot=spec.spot) if family else None
    if family is None or standing is None:
        return
    wanted = spec.min_count * min(vcpus.values())
    if standing.used + wanted > standing.limit:
        code = family.code(spot=spec.spot)
        raise QuotaExceededError(
            f"AWS {spec.region}: {wanted} {_market(spot=spec.spot)}vCPUs are wanted and "
            f"{standing.used} of {standing.limit} are in use; ask for more under Service Quotas, "
            f"{code}, or use another region",
            region=spec.region,
            quota=code,
            limit=standing.limit,
            used=standing.used,
            wanted=wanted,
        )


def standing_of(
    clients: AwsClients, region: str, family: FamilyQuota, *, spot: bool
) -> Standing | None:
    """The limit and what is in use of it; None: AWS does not tell."""
    limit = _limit(clients, region, family.code(spot=spot))
    if limit is None:
        return None
    return Standing(limit, _used(clients, region, family, spot=spot))


def _common_family(machine_types: Iterable[str]) -> FamilyQuota | None:
    """The limit that all types count against; None: several, or one that is not known here."""
    found = {_family(name) for name in machine_types}
    return found.pop() if len(found) == 1 else None


def _family(machine_type: str) -> FamilyQuota | None:
    return next((one for one in FAMILIES if one.types.match(machine_type)), None)


def _market(*, spot: bool) -> str:
    return "spot " if spot else ""


def _limit(clients: AwsClients, region: str, code: str) -> int | None:
    quotas = clients.client("service-quotas", region)
    try:
        answer = clients.call(
            "GetServiceQuota",
            region,
            lambda: quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code),
        )
    except ProviderFailedError:
        # No permission, or no such service here: the launch itself will tell.
        return None
    return int(answer["Quota"]["Value"])


def _used(clients: AwsClients, region: str, family: FamilyQuota, *, spot: bool) -> int:
    client = clients.ec2(region)

    def describe() -> int:
        pages = client.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
            PaginationConfig={"PageSize": PAGE_SIZE},
        )
        return sum(
            _vcpus(instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
            if _family(instance["InstanceType"]) is family
            and (instance.get("InstanceLifecycle") == SPOT) is spot
        )

    return clients.call("DescribeInstances", region, describe)


def _vcpus(instance: InstanceTypeDef) -> int:
    processor = instance.get("CpuOptions", {})
    return processor.get("CoreCount", 0) * processor.get("ThreadsPerCore", 0)
