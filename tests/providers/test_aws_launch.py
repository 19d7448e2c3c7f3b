"""What goes over the wire when machines are launched on AWS, and what comes of trouble there."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from msgspec.structs import replace

from kernel.clock import ManualClock, SystemClock
from providers import throttling
from providers.aws import AwsProvider
from providers.aws.boot import boot_script
from providers.contract import LaunchSpec
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.rehearsal.aws_cloud import Rehearsal, aws_rehearsal_provider
from providers.rehearsal.faults import Fault, FaultKind, WireRequest

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

MakeSpec = Callable[..., LaunchSpec]


@pytest.fixture
def ec2(rehearsal: Rehearsal) -> EC2Client:
    """EC2 without our provider in between."""
    return boto3.client(
        "ec2",
        region_name="eu-west-1",
        endpoint_url=rehearsal.endpoint_url,
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",  # noqa: S106 - a rehearsal checks none
    )


def only(requests: Sequence[WireRequest]) -> WireRequest:
    assert len(requests) == 1, [request.action for request in requests]
    return requests[0]


def numbered(parameters: dict[str, str], name: str) -> list[dict[str, str]]:
    """The items ``name.1.*``, ``name.2.*``, ... of a call, without their prefix."""
    items: list[dict[str, str]] = []
    while True:
        prefix = f"{name}.{len(items) + 1}."
        item = {
            key.removeprefix(prefix): value
            for key, value in parameters.items()
            if key.startswith(prefix)
        }
        if not item:
            return items
        items.append(item)


def tags_by_resource(request: WireRequest) -> dict[str, dict[str, str]]:
    specifications = numbered(dict(request.parameters), "TagSpecification")
    return {
        one["ResourceType"]: {tag["Key"]: tag["Value"] for tag in numbered(one, "Tag")}
        for one in specifications
    }


def instances(ec2: EC2Client, run_id: str) -> list[Any]:
    answer = ec2.describe_instances(Filters=[{"Name": "tag:loadmuster:run", "Values": [run_id]}])
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def test_the_create_call_carries_token_and_tags_for_all_that_it_creates(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec()

    aws.launch(spec)

    request = only(rehearsal.requests("CreateFleet"))
    assert request.parameters["ClientToken"] == spec.token
    assert request.parameters["Type"] == "instant"
    assert tags_by_resource(request) == {
        resource: {
            "loadmuster:run": spec.run_id,
            "loadmuster:attempt": "1",
            "loadmuster:owner": "acme",
            "loadmuster:created-at": spec.created_at.isoformat(),
            "loadmuster:expires-at": spec.expires_at.isoformat(),
        }
        for resource in ("fleet", "instance", "volume", "network-interface")
    }
    assert not rehearsal.requests("CreateTags")


def test_the_cheapest_type_comes_first_in_every_zone(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    aws.launch(make_spec(machine_types=("c7i.large", "c7g.large", "c6i.large")))

    parameters = dict(only(rehearsal.requests("CreateFleet")).parameters)
    overrides = [
        override
        for config in numbered(parameters, "LaunchTemplateConfigs")
        for override in numbered(config, "Overrides")
    ]
    zones = {subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]}
    assert parameters["OnDemandOptions.AllocationStrategy"] == "prioritized"
    assert {
        (override["InstanceType"], float(override["Priority"]), override["SubnetId"])
        for override in overrides
    } == {
        (machine_type, priority, zone)
        for priority, machine_type in enumerate(("c7i.large", "c7g.large", "c6i.large"))
        for zone in zones
    }


def test_all_machines_are_of_the_first_type_while_it_lasts(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    plenty = aws.launch(make_spec(count=3, machine_types=("c7g.large", "c7i.large")))
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type="c7g.large", available=1))
    scarce = aws.launch(make_spec(count=3, machine_types=("c7g.large", "c7i.large")))

    assert sorted(one.machine_type for one in plenty) == ["c7g.large"] * 3
    assert sorted(one.machine_type for one in scarce) == ["c7g.large", "c7i.large", "c7i.large"]


def test_ec2_refuses_a_short_fleet_itself_where_there_is_one_type(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, available=2))
    spec = make_spec(count=4, min_count=3, machine_types=("c7i.large",))

    with pytest.raises(CapacityUnavailableError):
        aws.launch(spec)

    parameters = only(rehearsal.requests("CreateFleet")).parameters
    assert parameters["OnDemandOptions.MinTargetCapacity"] == "3"
    assert parameters["OnDemandOptions.SingleInstanceType"] == "true"
    assert instances(ec2, spec.run_id) == []


def test_ec2_is_not_asked_for_a_minimum_that_it_cannot_keep(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    aws.launch(make_spec())

    parameters = only(rehearsal.requests("CreateFleet")).parameters
    assert "OnDemandOptions.MinTargetCapacity" not in parameters


def test_a_short_fleet_is_deleted_at_once(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, available=1))
    spec = make_spec(count=3, min_count=3)

    with pytest.raises(CapacityUnavailableError) as caught:
        aws.launch(spec)

    assert caught.value.facts["launched"] == 2
    assert only(rehearsal.requests("DeleteFleets")).parameters["TerminateInstances"] == "true"
    ended = {"shutting-down", "terminated"}
    assert [one["State"]["Name"] in ended for one in instances(ec2, spec.run_id)] == [True, True]


def test_the_template_makes_machines_that_end_when_they_shut_down(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    spec = make_spec(machine_types=("c7i.large",))

    machine = aws.launch(spec)[0]

    template = rehearsal.requests("CreateLaunchTemplate")[0].parameters
    data = "LaunchTemplateData."
    assert template[f"{data}InstanceInitiatedShutdownBehavior"] == "terminate"
    assert template[f"{data}MetadataOptions.HttpTokens"] == "required"
    assert template[f"{data}MetadataOptions.HttpPutResponseHopLimit"] == "1"
    assert template[f"{data}BlockDeviceMapping.1.Ebs.VolumeType"] == "gp3"
    assert template[f"{data}BlockDeviceMapping.1.Ebs.DeleteOnTermination"] == "true"
    assert not any("SecurityGroup" in name or "KeyName" in name for name in template)
    attribute = ec2.describe_instance_attribute(
        InstanceId=machine.machine_id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert attribute["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def test_the_template_is_reused_from_run_to_run(
    aws: AwsProvider, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    aws.launch(make_spec(machine_types=("c7i.large",)))
    before = [one["LaunchTemplateName"] for one in _templates(ec2)]

    aws.launch(make_spec(machine_types=("c7i.large", "c6i.large"), owner="another"))

    assert [one["LaunchTemplateName"] for one in _templates(ec2)] == before


def test_each_architecture_boots_its_own_image(
    aws: AwsProvider, ec2: EC2Client, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type="c7i.large", available=1))
    spec = make_spec(machine_types=("c7i.large", "c7g.large"))

    aws.launch(spec)

    architectures = {
        one["InstanceType"]: one["Architecture"] for one in instances(ec2, spec.run_id)
    }
    assert architectures == {"c7i.large": "x86_64", "c7g.large": "arm64"}


def test_the_boot_script_travels_with_the_call(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    spec = make_spec(machine_types=("c7i.large",))

    machine = aws.launch(spec)[0]

    config = numbered(
        dict(only(rehearsal.requests("CreateFleet")).parameters), "LaunchTemplateConfigs"
    )[0]
    name = "LaunchTemplateSpecification.LaunchTemplateSpecificationUserData"
    assert base64.b64decode(config[name]).decode() == boot_script(spec)
    booted = ec2.describe_instance_attribute(InstanceId=machine.machine_id, Attribute="userData")
    assert base64.b64decode(booted["UserData"]["Value"]).decode() == boot_script(spec)


def test_throttled_calls_are_sent_again(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.THROTTLING, action="CreateFleet", times=3))
    spec = make_spec()

    assert len(aws.launch(spec)) == 2

    assert len(rehearsal.requests("CreateFleet")) == 4
    assert len(instances(ec2, spec.run_id)) == 2


def test_throttling_without_end_is_given_up_and_is_not_called_anything_else(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "ATTEMPTS", 2)
    rehearsal.inject(Fault(FaultKind.THROTTLING, action="CreateFleet", times=1000))

    with pytest.raises(ThrottledError) as caught:
        aws.launch(make_spec())

    assert caught.value.facts["aws_code"] == "RequestLimitExceeded"
    assert len(rehearsal.requests("CreateFleet")) == 4


def test_throttling_inside_a_fleet_is_not_taken_for_a_lack_of_capacity(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(
        Fault(FaultKind.SHORT_CAPACITY, machine_type="c7i.large", code="RequestLimitExceeded")
    )
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type="c7g.large"))

    with pytest.raises(ThrottledError) as caught:
        aws.launch(make_spec())

    assert caught.value.facts["token_spent"] is True


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (
            Fault(FaultKind.REFUSAL, "CreateFleet", code="InsufficientInstanceCapacity", times=9),
            CapacityUnavailableError,
        ),
        (
            Fault(FaultKind.REFUSAL, "CreateFleet", code="MaxFleetCountExceeded"),
            QuotaExceededError,
        ),
        (
            Fault(FaultKind.REFUSAL, "CreateFleet", code="InvalidParameterValue"),
            ConfigurationRejectedError,
        ),
        (Fault(FaultKind.REFUSAL, "CreateFleet", code="OptInRequired"), ConfigurationRejectedError),
        (
            Fault(FaultKind.REFUSAL, "CreateFleet", code="InternalError", times=9),
            UnknownOutcomeError,
        ),
        (Fault(FaultKind.VCPU_LIMIT, available=1), QuotaExceededError),
        (Fault(FaultKind.SHORT_CAPACITY), CapacityUnavailableError),
        (Fault(FaultKind.SHORT_CAPACITY, code="VcpuLimitExceeded"), QuotaExceededError),
        (Fault(FaultKind.SHORT_CAPACITY, code="Unsupported"), CapacityUnavailableError),
        (Fault(FaultKind.SHORT_CAPACITY, code="InternalError"), CapacityUnavailableError),
        (
            Fault(FaultKind.SHORT_CAPACITY, code="InvalidParameterValue"),
            ConfigurationRejectedError,
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_a_failed_launch_says_what_to_do_and_leaves_nothing(
    aws: AwsProvider,
    rehearsal: Rehearsal,
    make_spec: MakeSpec,
    fault: Fault,
    error: type[Exception],
) -> None:
    rehearsal.inject(fault)
    spec = make_spec(region="ap-south-1")

    with pytest.raises(error) as caught:
        aws.launch(spec)

    assert "\n" not in str(caught.value)
    rehearsal.clear()
    assert aws.observe(spec.run_id, [spec.region]) == ()


def test_a_vcpu_limit_is_told_with_its_number(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.VCPU_LIMIT, available=3))

    with pytest.raises(QuotaExceededError) as caught:
        aws.launch(make_spec(region="ap-south-1"))

    assert caught.value.facts["limit"] == 3


@pytest.mark.parametrize("kind", [FaultKind.LOST_REPLY, FaultKind.LOST_REQUEST], ids=str)
def test_a_call_that_was_lost_is_asked_again_with_its_token_and_launches_one_fleet(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec, kind: FaultKind
) -> None:
    rehearsal.inject(Fault(kind, action="CreateFleet", times=2))
    spec = make_spec()

    with pytest.raises(UnknownOutcomeError):
        aws.launch(spec)
    machines = aws.launch(spec)

    assert {one["InstanceId"] for one in instances(ec2, spec.run_id)} == {
        machine.machine_id for machine in machines
    }
    assert {request.parameters["ClientToken"] for request in rehearsal.requests("CreateFleet")} == {
        spec.token
    }


def test_a_reply_lost_once_is_healed_without_the_caller(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.LOST_REPLY, action="CreateFleet"))
    spec = make_spec()

    assert len(aws.launch(spec)) == 2
    assert len(instances(ec2, spec.run_id)) == 2


def test_machines_whose_launch_was_never_answered_are_released(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(Fault(FaultKind.LOST_REPLY, action="CreateFleet", times=2))
    spec = make_spec()
    with pytest.raises(UnknownOutcomeError):
        aws.launch(spec)

    aws.release(spec.run_id, [spec.region])

    states = [one["State"]["Name"] for one in instances(ec2, spec.run_id)]
    assert len(states) == 2
    assert set(states) <= {"shutting-down", "terminated"}


def test_a_token_whose_request_has_changed_gives_the_machines_of_the_first(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    machines = aws.launch(spec)

    again = aws.launch(replace(spec, user_data="#!/bin/sh\necho another\n"))

    assert {one.machine_id for one in again} == {one.machine_id for one in machines}
    assert len(rehearsal.requests("CreateFleet")) == 2


def test_where_fleets_are_not_permitted_machines_are_run_without(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(
        Fault(FaultKind.REFUSAL, action="CreateFleet", code="UnauthorizedOperation", times=99)
    )
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type="c7i.large"))
    spec = make_spec(count=3, min_count=2)

    machines = aws.launch(spec)
    again = aws.launch(spec)

    assert {one.machine_id for one in machines} == {one.machine_id for one in again}
    assert [one.machine_type for one in machines] == ["c7g.large"] * 3
    request = rehearsal.requests("RunInstances")[-1]
    assert set(tags_by_resource(request)) == {"instance", "volume", "network-interface"}
    assert (request.parameters["MinCount"], request.parameters["MaxCount"]) == ("2", "3")
    attribute = ec2.describe_instance_attribute(
        InstanceId=machines[0].machine_id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert attribute["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def test_run_without_a_fleet_stays_within_the_minimum_or_launches_none(
    aws: AwsProvider, rehearsal: Rehearsal, ec2: EC2Client, make_spec: MakeSpec
) -> None:
    rehearsal.inject(
        Fault(FaultKind.REFUSAL, action="CreateFleet", code="UnauthorizedOperation", times=99)
    )
    rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, available=1))
    spec = make_spec()

    with pytest.raises(CapacityUnavailableError):
        aws.launch(spec)

    assert instances(ec2, spec.run_id) == []


def test_a_call_that_nobody_may_make_is_a_matter_of_permissions(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    for action in ("CreateFleet", "RunInstances"):
        rehearsal.inject(Fault(FaultKind.REFUSAL, action=action, code="UnauthorizedOperation"))

    with pytest.raises(ConfigurationRejectedError, match="RunInstances: UnauthorizedOperation"):
        aws.launch(make_spec())


@pytest.mark.parametrize("slow_to_show", [0.5], indirect=True, ids=["half a second"])
def test_a_launch_waits_until_its_machines_can_be_seen(
    slow_to_show: Rehearsal, make_spec: MakeSpec
) -> None:
    provider = aws_rehearsal_provider(slow_to_show.endpoint_url, SystemClock())
    spec = make_spec()

    machines = provider.launch(spec)

    assert provider.observe(spec.run_id, [spec.region]) == machines


@pytest.mark.parametrize("slow_to_show", [600.0], indirect=True, ids=["ten minutes"])
def test_machines_that_cannot_be_seen_in_time_are_an_unknown_outcome(
    slow_to_show: Rehearsal, make_spec: MakeSpec
) -> None:
    clock = ManualClock(SystemClock().now())
    provider = aws_rehearsal_provider(slow_to_show.endpoint_url, clock)

    with pytest.raises(UnknownOutcomeError, match="same token"):
        provider.launch(make_spec())


def _templates(ec2: EC2Client) -> Sequence[Any]:
    return ec2.describe_launch_templates()["LaunchTemplates"]
