"""How many vCPUs the account may run, where AWS tells; where it does not, nobody knows.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html: on-demand limits
count vCPUs, for the families A, C, D, H, I, M, R, T and Z together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kernel.errors import ProviderFailedError
from providers.aws.clients import AwsClients
from providers.aws.inventory import PAGE_SIZE
from providers.contract import LaunchSpec
from providers.errors import QuotaExceededError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

STANDARD_VCPUS = "L-1216C47A"
_STANDARD_TYPE = re.compile(r"(?:[acdhimrtz]|im|is)\d")


def check_quota(clients: AwsClients, spec: LaunchSpec, vcpus: Mapping[str, int]) -> None:
    """Refuse what would exceed the account's limit even with the smallest type and fleet.

    Args:
        clients: How AWS is called.
        spec: The launch.
        vcpus: Of each machine type wanted.

    Raises:
        QuotaExceededError: With ``quota``, ``limit``, ``used`` and ``wanted``, in vCPUs.
    """
    if not all(_STANDARD_TYPE.match(name) for name in vcpus):
        return
    limit = _limit(clients, spec.region)
    if limit is None:
        return
    used = _used(clients, spec.region)
    wanted = spec.min_count * min(vcpus.values())
    if used + wanted > limit:
        raise QuotaExceededError(
            f"AWS {spec.region}: {wanted} vCPUs are wanted and {used} of {limit} are in use; ask "
            f"for more under Service Quotas, {STANDARD_VCPUS}, or use another region",
            region=spec.region,
            quota=STANDARD_VCPUS,
            limit=limit,
            used=used,
            wanted=wanted,
        )


def _limit(clients: AwsClients, region: str) -> int | None:
    quotas = clients.client("service-quotas", region)
    try:
        answer = clients.call(
            "GetServiceQuota",
            region,
            lambda: quotas.get_service_quota(ServiceCode="ec2", QuotaCode=STANDARD_VCPUS),
        )
    except ProviderFailedError:
        # No permission, or no such service here: the launch itself will tell.
        return None
    return int(answer["Quota"]["Value"])


def _used(clients: AwsClients, region: str) -> int:
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
        )

    return clients.call("DescribeInstances", region, describe)


def _vcpus(instance: InstanceTypeDef) -> int:
    """What an instance takes from the standard on-demand limit."""
    is_spot = instance.get("InstanceLifecycle") == "spot"
    if is_spot or not _STANDARD_TYPE.match(instance["InstanceType"]):
        return 0
    processor = instance.get("CpuOptions", {})
    return processor.get("CoreCount", 0) * processor.get("ThreadsPerCore", 0)
