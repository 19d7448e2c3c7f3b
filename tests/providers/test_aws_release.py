"""Observing and releasing machines on AWS: pages, batches, and what must not stop a release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from providers.aws import AwsProvider, inventory
from providers.contract import LaunchSpec, MachineState
from providers.errors import ThrottledError, UnknownOutcomeError
from providers.rehearsal.aws_cloud import Rehearsal
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]

NO_FLEETS = Fault(FaultKind.REFUSAL, "CreateFleet", code="UnauthorizedOperation", times=99)


def assert_ending(aws: AwsProvider, spec: LaunchSpec) -> None:
    left = aws.observe(spec.run_id, [spec.region])
    assert {machine.state for machine in left} <= {MachineState.STOPPING}


def test_more_machines_than_a_page_holds_are_all_observed(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "PAGE_SIZE", 5)
    spec = make_spec(count=12)
    machines = aws.launch(spec)
    rehearsal.clear()

    observed = aws.observe(spec.run_id, [spec.region])

    assert {one.machine_id for one in observed} == {one.machine_id for one in machines}
    assert len(observed) == 12
    assert len(rehearsal.requests("DescribeInstances")) == 3


def test_machines_are_observed_in_each_region_asked_for_and_in_no_other(
    aws: AwsProvider, make_spec: MakeSpec
) -> None:
    here, there = make_spec(), make_spec(region="us-east-1")
    there = make_spec(run_id=here.run_id, region="us-east-1", token=f"{here.token}-2")
    aws.launch(here)
    aws.launch(there)

    assert len(aws.observe(here.run_id, ["eu-west-1"])) == 2
    assert len(aws.observe(here.run_id, ["eu-west-1", "us-east-1"])) == 4
    assert aws.observe(here.run_id, ["eu-central-1"]) == ()


def test_a_release_is_one_call_for_the_fleet(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=6)
    aws.launch(spec)

    aws.release(spec.run_id, [spec.region])

    assert len(rehearsal.requests("DeleteFleets")) == 1
    assert rehearsal.requests("TerminateInstances") == []
    assert_ending(aws, spec)


def test_fleets_are_deleted_in_batches(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "FLEETS_PER_DELETE", 2)
    spec = make_spec()
    for attempt in range(1, 4):
        aws.launch(make_spec(run_id=spec.run_id, attempt=attempt))

    aws.release(spec.run_id, [spec.region])

    assert len(rehearsal.requests("DeleteFleets")) == 2
    assert_ending(aws, spec)


def test_a_fleet_too_large_to_be_deleted_is_terminated_first_in_batches(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "MACHINES_PER_DELETE", 4)
    monkeypatch.setattr(inventory, "MACHINES_PER_TERMINATE", 2)
    spec = make_spec(count=5)
    aws.launch(spec)
    rehearsal.clear()

    aws.release(spec.run_id, [spec.region])

    ends = [one.action for one in rehearsal.requests() if one.action != "DescribeInstances"]
    assert ends == ["TerminateInstances"] * 3 + ["DeleteFleets"]
    assert_ending(aws, spec)


def test_machines_without_a_fleet_are_terminated(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(NO_FLEETS)
    spec = make_spec()
    aws.launch(spec)

    aws.release(spec.run_id, [spec.region])

    assert len(rehearsal.requests("TerminateInstances")) == 1
    assert_ending(aws, spec)


def test_who_may_not_delete_fleets_terminates_their_machines(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    aws.launch(spec)
    rehearsal.inject(Fault(FaultKind.REFUSAL, "DeleteFleets", code="UnauthorizedOperation"))

    aws.release(spec.run_id, [spec.region])

    assert len(rehearsal.requests("TerminateInstances")) == 1
    assert_ending(aws, spec)


def test_a_machine_that_is_gone_meanwhile_does_not_save_the_others(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    rehearsal.inject(NO_FLEETS)
    spec = make_spec()
    aws.launch(spec)
    rehearsal.inject(
        Fault(FaultKind.REFUSAL, "TerminateInstances", code="InvalidInstanceID.NotFound")
    )

    aws.release(spec.run_id, [spec.region])

    assert len(rehearsal.requests("TerminateInstances")) == 2
    assert_ending(aws, spec)


def test_a_release_whose_answer_is_lost_is_repeated_until_it_is_known(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    aws.launch(spec)
    rehearsal.inject(Fault(FaultKind.LOST_REPLY, "DeleteFleets", times=2))

    with pytest.raises(UnknownOutcomeError):
        aws.release(spec.run_id, [spec.region])
    aws.release(spec.run_id, [spec.region])

    assert_ending(aws, spec)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.THROTTLING, "DescribeInstances", times=99), ThrottledError),
        (Fault(FaultKind.LOST_REPLY, "DescribeInstances", times=99), UnknownOutcomeError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_what_cannot_be_seen_is_never_reported_as_gone(
    aws: AwsProvider,
    rehearsal: Rehearsal,
    make_spec: MakeSpec,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    error: type[Exception],
) -> None:
    monkeypatch.setattr("providers.throttling.ATTEMPTS", 2)
    spec = make_spec()
    aws.launch(spec)
    rehearsal.inject(fault)

    with pytest.raises(error):
        aws.observe(spec.run_id, [spec.region])


def test_the_disks_of_released_machines_are_gone_too(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    aws.launch(spec)
    client = aws._clients.ec2(spec.region)
    filters = [{"Name": "tag:loadmuster:run", "Values": [spec.run_id]}]
    volumes = client.describe_volumes(Filters=filters)["Volumes"]  # type: ignore[arg-type]
    assert [(one["VolumeType"], one["Size"]) for one in volumes] == [("gp3", 8)] * 2

    aws.release(spec.run_id, [spec.region])

    assert client.describe_volumes(Filters=filters)["Volumes"] == []  # type: ignore[arg-type]
    del rehearsal
