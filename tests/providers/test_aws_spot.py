"""Spot machines: bought only when asked for, under limits of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.aws import AwsProvider
from providers.contract import LaunchSpec
from providers.errors import CapacityUnavailableError, QuotaExceededError
from providers.rehearsal.aws_cloud import Rehearsal
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]


def lifecycles(aws: AwsProvider, spec: LaunchSpec) -> list[str]:
    answer: Any = aws._clients.ec2(spec.region).describe_instances(
        Filters=[{"Name": "tag:loadmuster:run", "Values": [spec.run_id]}]
    )
    return [
        one.get("InstanceLifecycle", "on demand")
        for reservation in answer["Reservations"]
        for one in reservation["Instances"]
    ]


def test_machines_are_on_demand_unless_spot_is_asked_for(
    aws: AwsProvider, make_spec: MakeSpec
) -> None:
    usual, spot = make_spec(), make_spec(spot=True)

    aws.launch(usual)
    aws.launch(spot)

    assert lifecycles(aws, usual) == ["on demand"] * 2
    assert lifecycles(aws, spot) == ["spot"] * 2


def test_spot_machines_come_from_where_they_are_cheap_and_stay(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    aws.launch(make_spec(spot=True, machine_types=("c7i.large",)))

    (request,) = rehearsal.requests("CreateFleet")
    sent = request.parameters
    assert sent["SpotOptions.AllocationStrategy"] == "price-capacity-optimized"
    assert sent["SpotOptions.InstanceInterruptionBehavior"] == "terminate"
    assert sent["SpotOptions.MinTargetCapacity"] == "2"
    assert sent["TargetCapacitySpecification.SpotTargetCapacity"] == "2"
    assert sent["TargetCapacitySpecification.OnDemandTargetCapacity"] == "0"
    assert not any("Priority" in name or "OnDemandOptions" in name for name in sent)


def test_where_fleets_are_forbidden_single_machines_are_spot_too(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.REFUSAL, "CreateFleet", code="UnauthorizedOperation"))
    spec = make_spec(spot=True)

    aws.launch(spec)

    assert lifecycles(aws, spec) == ["spot"] * 2


def test_a_short_spot_fleet_leaves_no_machine(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, available=1))
    spec = make_spec(spot=True, machine_types=("c7i.large",))

    with pytest.raises(CapacityUnavailableError):
        aws.launch(spec)

    assert lifecycles(aws, spec) == []


def test_spot_and_on_demand_machines_count_against_limits_of_their_own(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    region = "us-west-1"
    wish = {"region": region, "machine_types": ("c5.large",)}
    aws.launch(make_spec(**wish, count=3, min_count=3))
    aws.launch(make_spec(**wish, count=2, min_count=2, spot=True))
    rehearsal.inject(Fault(FaultKind.VCPU_LIMIT, available=8))
    rehearsal.inject(Fault(FaultKind.VCPU_LIMIT, available=10, spot=True))

    aws.check(make_spec(**wish, min_count=1))
    aws.check(make_spec(**wish, min_count=3, spot=True))
    with pytest.raises(QuotaExceededError, match="6 of 8 are in use") as usual:
        aws.check(make_spec(**wish, min_count=2))
    with pytest.raises(QuotaExceededError, match="8 spot vCPUs are wanted") as spot:
        aws.check(make_spec(**wish, min_count=4, spot=True))

    assert usual.value.facts["quota"] == "L-1216C47A"
    assert spot.value.facts["quota"] == "L-34B43A08"
    assert (spot.value.facts["used"], spot.value.facts["limit"]) == (4, 10)


@pytest.mark.parametrize(
    ("machine_type", "spot", "code"),
    [
        ("m5.large", False, "L-1216C47A"),
        ("is4gen.large", True, "L-34B43A08"),
        ("g5.xlarge", False, "L-DB2E81BA"),
        ("g5.xlarge", True, "L-3819A6DF"),
        ("p4d.24xlarge", False, "L-417A185B"),
        ("p4d.24xlarge", True, "L-7212CCBC"),
    ],
)
def test_each_family_is_measured_against_its_own_limit(
    aws: AwsProvider,
    rehearsal: Rehearsal,
    make_spec: MakeSpec,
    machine_type: str,
    spot: bool,
    code: str,
) -> None:
    aws.check(make_spec(region="us-east-1", machine_types=(machine_type,), spot=spot))

    (request,) = rehearsal.requests("GetServiceQuota")
    assert request.parameters["QuotaCode"] == code
