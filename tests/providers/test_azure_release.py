"""How machines of Azure end, and what proves that nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel.clock import ManualClock
from kernel.errors import ProviderFailedError
from providers.azure import AzureProvider
from providers.azure.names import run_group
from providers.contract import LaunchSpec, MachineState
from providers.errors import ConfigurationRejectedError, ThrottledError, UnknownOutcomeError
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.faults import Fault, FaultKind

MakeSpec = Callable[..., LaunchSpec]
DELETE_SET = "VirtualMachineScaleSets.Delete"
DELETE_GROUP = "ResourceGroups.Delete"
RECORD = "Deployments.CreateOrUpdate"


def ends(arm: RehearsedArm) -> list[str]:
    """The calls that change something, in their order."""
    return [one.action for one in arm.world.requests if one.parameters["method"] != "GET"]


def wait_until_gone(
    azure: AzureProvider, clock: ManualClock, spec: LaunchSpec
) -> list[set[MachineState]]:
    """What was seen, look by look, until nothing was left."""
    seen: list[set[MachineState]] = []
    for _ in range(60):
        left = azure.observe(spec.run_id, [spec.region])
        if not left:
            return seen
        seen.append({machine.state for machine in left})
        clock.sleep(1.0)
    raise AssertionError(seen)


def test_the_scale_set_goes_by_force_and_first_and_the_group_last(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.clear()

    azure.release(spec.run_id, [spec.region])

    assert ends(arm) == [DELETE_SET, RECORD, DELETE_GROUP]
    queries = {one.action: one.parameters["query"] for one in arm.world.requests}
    assert "forceDeletion=true" in queries[DELETE_SET]
    assert "forceDeletionTypes=Microsoft.Compute/virtualMachines," in queries[DELETE_GROUP]
    wait_until_gone(azure, manual_clock, spec)


def test_a_group_that_is_not_gone_is_shown_as_what_is_left_of_the_machines(
    azure: AzureProvider, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)

    azure.release(spec.run_id, [spec.region])

    seen = wait_until_gone(azure, manual_clock, spec)
    assert seen[0] == {MachineState.STOPPING}
    assert seen[-1] == {MachineState.LEFTOVER}
    stages = [state for look in seen for state in look]
    assert stages == sorted(stages, key=[MachineState.STOPPING, MachineState.LEFTOVER].index)


def test_disks_and_addresses_of_machines_that_are_gone_keep_the_run_from_being_gone(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    """The set is deleted, and the call for the group never arrives."""
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.add(Fault(FaultKind.LOST_REQUEST, DELETE_GROUP, times=2))
    with pytest.raises(UnknownOutcomeError):
        azure.release(spec.run_id, [spec.region])
    manual_clock.sleep(2.5)

    (left,) = azure.observe(spec.run_id, [spec.region])

    group = run_group(spec.run_id, spec.region)
    assert (left.machine_id, left.machine_type) == (group, "resource group")
    assert (left.state, left.is_up) == (MachineState.LEFTOVER, False)
    assert (left.run_id, left.expires_at) == (spec.run_id, spec.expires_at)
    manual_clock.sleep(60)
    assert azure.observe(spec.run_id, [spec.region]) == (left,)

    azure.release(spec.run_id, [spec.region])
    wait_until_gone(azure, manual_clock, spec)


def test_a_group_whose_deletion_fails_is_not_gone_and_the_next_release_ends_it(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.add(Fault(FaultKind.LATE_FAILURE, DELETE_GROUP, code="ScopeLocked"))
    azure.release(spec.run_id, [spec.region])
    manual_clock.sleep(30)
    assert azure.observe(spec.run_id, [spec.region])

    azure.release(spec.run_id, [spec.region])

    wait_until_gone(azure, manual_clock, spec)


def test_what_is_going_already_is_not_asked_again(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    azure.release(spec.run_id, [spec.region])
    arm.world.clear()

    azure.release(spec.run_id, [spec.region])

    assert ends(arm) == []


def test_a_launch_without_an_answer_is_released_with_all_that_it_made(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    create = "VirtualMachineScaleSets.CreateOrUpdate"
    arm.world.add(Fault(FaultKind.LOST_REPLY, create, times=2))
    with pytest.raises(UnknownOutcomeError):
        azure.launch(spec)

    azure_provider_in_process(arm, manual_clock).release(spec.run_id, [spec.region])

    wait_until_gone(azure, manual_clock, spec)
    with pytest.raises(ConfigurationRejectedError, match="new token"):
        azure.launch(spec)


def test_a_launch_that_only_made_its_group_is_released_too(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    create = "VirtualMachineScaleSets.CreateOrUpdate"
    arm.world.add(Fault(FaultKind.LOST_REQUEST, create, times=2))
    with pytest.raises(UnknownOutcomeError):
        azure.launch(spec)
    assert len(azure.observe(spec.run_id, [spec.region])) == 1

    azure.release(spec.run_id, [spec.region])

    wait_until_gone(azure, manual_clock, spec)


@pytest.mark.parametrize("action", [DELETE_SET, RECORD])
@pytest.mark.parametrize("kind", [FaultKind.THROTTLING, FaultKind.LOST_REPLY, FaultKind.REFUSAL])
def test_nothing_that_goes_wrong_before_it_keeps_the_group_from_going(
    action: str,
    kind: FaultKind,
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.add(Fault(kind, action, times=99, code="AuthorizationFailed"))

    azure.release(spec.run_id, [spec.region])

    wait_until_gone(azure, manual_clock, spec)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.THROTTLING, DELETE_GROUP, times=99), ThrottledError),
        (Fault(FaultKind.LOST_REPLY, DELETE_GROUP, times=2), UnknownOutcomeError),
    ],
    ids=str,
)
def test_a_release_that_is_not_accepted_says_so_and_the_next_one_works(
    fault: Fault,
    error: type[ProviderFailedError],
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.add(fault)
    with pytest.raises(error):
        azure.release(spec.run_id, [spec.region])
    arm.world.clear()

    azure.release(spec.run_id, [spec.region])

    wait_until_gone(azure, manual_clock, spec)


@pytest.mark.parametrize("action", ["ResourceGroups.Get", "VirtualMachines.List"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.THROTTLING, ThrottledError),
        (FaultKind.LOST_REPLY, UnknownOutcomeError),
        (FaultKind.REFUSAL, UnknownOutcomeError),
    ],
    ids=str,
)
def test_what_cannot_be_seen_is_never_reported_as_gone(
    action: str,
    kind: FaultKind,
    error: type[ProviderFailedError],
    azure: AzureProvider,
    arm: RehearsedArm,
    make_azure_spec: MakeSpec,
) -> None:
    spec = make_azure_spec()
    azure.launch(spec)
    arm.world.add(Fault(kind, action, times=99, code="InternalServerError"))

    with pytest.raises(error):
        azure.observe(spec.run_id, [spec.region])


def test_regions_of_a_run_end_each_by_itself(
    azure: AzureProvider, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    here = make_azure_spec()
    there = make_azure_spec(run_id=here.run_id, region="eastus2", token="there")  # noqa: S106
    azure.launch(here)
    azure.launch(there)
    assert len(azure.observe(here.run_id, [here.region, there.region])) == 4

    azure.release(here.run_id, [here.region])
    wait_until_gone(azure, manual_clock, here)

    assert len(azure.observe(here.run_id, [here.region, there.region])) == 2
    assert {one.region for one in azure.observe_all([here.region, there.region])} == {"eastus2"}


def test_groups_of_others_are_not_ours(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/theirs?api-version=2025-04-01"
    body = b'{"location": "westeurope", "tags": {"owner": "them"}}'
    arm.answer("PUT", path, {"Authorization": "Bearer theirs"}, body)
    spec = make_azure_spec()
    machines = azure.launch(spec)

    assert azure.observe_all([spec.region]) == machines


def test_a_run_of_one_region_changes_five_things_from_launch_to_proof(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())  # the region has its network from now on
    arm.world.clear()
    spec = make_azure_spec(count=100, min_count=100)

    azure.launch(spec)
    azure.release(spec.run_id, [spec.region])
    wait_until_gone(azure, manual_clock, spec)

    assert ends(arm) == [
        "ResourceGroups.CreateOrUpdate",
        "VirtualMachineScaleSets.CreateOrUpdate",
        DELETE_SET,
        RECORD,
        DELETE_GROUP,
    ]
