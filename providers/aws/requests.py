"""The calls that create machines, as values: CreateFleet, and RunInstances where it must do.

Both are functions of the spec and of what the region offers, so that the same launch, asked for
twice, is the same request under the same token.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from providers.aws.launch_prerequisites import LaunchPrerequisites
from providers.aws.launch_template import VERSION
from providers.contract import LaunchSpec

if TYPE_CHECKING:
    from mypy_boto3_ec2.literals import InstanceTypeType, ResourceTypeType
    from mypy_boto3_ec2.type_defs import (
        CreateFleetRequestTypeDef,
        FleetLaunchTemplateConfigRequestTypeDef,
        FleetLaunchTemplateOverridesRequestTypeDef,
        OnDemandOptionsRequestTypeDef,
        RunInstancesRequestTypeDef,
        SpotOptionsRequestTypeDef,
        TagSpecificationTypeDef,
        TagTypeDef,
    )

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_OnDemandOptionsRequest.html
MIN_TARGET_CAPACITY_LIMIT = 1_000
LAUNCHED_RESOURCES: Final[tuple[ResourceTypeType, ...]] = (
    "instance",
    "volume",
    "network-interface",
)


def fleet_request(spec: LaunchSpec, ground: LaunchPrerequisites) -> CreateFleetRequestTypeDef:
    """One synchronous try (type ``instant``): on demand the cheapest type comes first.

    Spot machines come from where they are both cheap and unlikely to be taken away.
    """
    request: CreateFleetRequestTypeDef = {
        "Type": "instant",
        "ClientToken": spec.token,
        "TargetCapacitySpecification": {
            "TotalTargetCapacity": spec.count,
            "OnDemandTargetCapacity": 0 if spec.spot else spec.count,
            "SpotTargetCapacity": spec.count if spec.spot else 0,
            "DefaultTargetCapacityType": "spot" if spec.spot else "on-demand",
        },
        "LaunchTemplateConfigs": [
            _template_config(spec, ground, architecture) for architecture in ground.templates
        ],
        "TagSpecifications": tag_specifications(spec, ("fleet", *LAUNCHED_RESOURCES)),
    }
    if spec.spot:
        spot: SpotOptionsRequestTypeDef = {
            "AllocationStrategy": "price-capacity-optimized",
            "InstanceInterruptionBehavior": "terminate",
        }
        request["SpotOptions"] = spot
        _set_minimum(spot, spec, ground)
    else:
        on_demand: OnDemandOptionsRequestTypeDef = {"AllocationStrategy": "prioritized"}
        request["OnDemandOptions"] = on_demand
        _set_minimum(on_demand, spec, ground)
    return request


def run_request(
    spec: LaunchSpec, ground: LaunchPrerequisites, machine_type: str, subnet: str | None
) -> RunInstancesRequestTypeDef:
    """The same machines, of one type, all or at least ``min_count`` of them.

    They are in one subnet; None: EC2 chooses among the default ones.
    """
    wish = "/".join(filter(None, (spec.token, machine_type, subnet)))
    request: RunInstancesRequestTypeDef = {
        "ClientToken": hashlib.sha256(wish.encode()).hexdigest(),
        "InstanceType": _known_type(machine_type),
        "LaunchTemplate": {
            "LaunchTemplateName": ground.templates[ground.architectures[machine_type]],
            "Version": VERSION,
        },
        "MinCount": spec.min_count,
        "MaxCount": spec.count,
        "UserData": ground.boot_script,
        "TagSpecifications": tag_specifications(spec, LAUNCHED_RESOURCES),
    }
    if subnet is not None:
        request["SubnetId"] = subnet
    if spec.spot:
        request["InstanceMarketOptions"] = {
            "MarketType": "spot",
            "SpotOptions": {
                "SpotInstanceType": "one-time",
                "InstanceInterruptionBehavior": "terminate",
            },
        }
    return request


def tag_specifications(
    spec: LaunchSpec, resources: Sequence[ResourceTypeType]
) -> list[TagSpecificationTypeDef]:
    """The run's tags for each kind of resource that a call creates."""
    tags: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in spec.tags().items()]
    return [{"ResourceType": resource, "Tags": tags} for resource in resources]


def _set_minimum(
    options: OnDemandOptionsRequestTypeDef | SpotOptionsRequestTypeDef,
    spec: LaunchSpec,
    ground: LaunchPrerequisites,
) -> None:
    """Let EC2 refuse a short fleet where it can: for one type or one zone, up to a limit."""
    single_type, single_zone = len(spec.machine_types) == 1, len(ground.network.subnets) == 1
    if spec.min_count <= MIN_TARGET_CAPACITY_LIMIT and (single_type or single_zone):
        options["MinTargetCapacity"] = spec.min_count
        options["SingleInstanceType"] = single_type
        options["SingleAvailabilityZone"] = single_zone


def _template_config(
    spec: LaunchSpec, ground: LaunchPrerequisites, architecture: str
) -> FleetLaunchTemplateConfigRequestTypeDef:
    overrides: list[FleetLaunchTemplateOverridesRequestTypeDef] = [
        {
            "InstanceType": _known_type(machine_type),
            "SubnetId": subnet,
            # EC2 takes an order with on-demand machines only.
            **({} if spec.spot else {"Priority": float(priority)}),
        }
        for priority, machine_type in enumerate(spec.machine_types)
        if ground.architectures[machine_type] == architecture
        for subnet in ground.network.subnets
    ]
    return {
        "LaunchTemplateSpecification": {
            "LaunchTemplateName": ground.templates[architecture],
            "Version": VERSION,
            "LaunchTemplateSpecificationUserData": base64.b64encode(
                ground.boot_script.encode()
            ).decode(),
        },
        "Overrides": overrides,
    }


def _known_type(machine_type: str) -> InstanceTypeType:
    """Machine types appear faster than their names in type stubs."""
    return cast("InstanceTypeType", machine_type)
