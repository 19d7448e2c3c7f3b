"""What a launch on Azure makes, and what comes of trouble there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kernel.clock import ManualClock
from kernel.errors import ProviderFailedError
from providers.azure import AzureProvider
from providers.azure.adapter import PATIENCE_S
from providers.contract import LaunchSpec, MachineState
from providers.errors import (
    SPENT,
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind, WireRequest

MakeSpec = Callable[..., LaunchSpec]
CREATE = "VirtualMachineScaleSets.CreateOrUpdate"


def sent(arm: RehearsedArm, action: str) -> list[WireRequest]:
    return [request for request in arm.world.requests if request.action == action]


def body(request: WireRequest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(request.parameters["body"])
    return document


def wait_until_gone(azure: AzureProvider, clock: ManualClock, spec: LaunchSpec) -> None:
    for _ in range(60):
        if not azure.observe(spec.run_id, [spec.region]):
            return
        clock.sleep(1.0)
    raise AssertionError(azure.observe(spec.run_id, [spec.region]))


def test_a_group_is_tagged_in_the_call_that_makes_it_and_so_is_all_that_is_in_it(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()

    azure.launch(spec)

    group = body(sent(arm, "ResourceGroups.CreateOrUpdate")[-1])
    (scale_set,) = map(body, sent(arm, CREATE))
    network = scale_set["properties"]["virtualMachineProfile"]["networkProfile"]
    (interface,) = network["networkInterfaceConfigurations"]
    (address,) = interface["properties"]["ipConfigurations"]
    public = address["properties"]["publicIPAddressConfiguration"]
    for tagged in (group, scale_set, interface, public):
        assert tagged["tags"] == spec.tags()


def test_disk_interface_and_address_each_go_with_their_machine(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())

    (scale_set,) = map(body, sent(arm, CREATE))
    profile = scale_set["properties"]["virtualMachineProfile"]
    (interface,) = profile["networkProfile"]["networkInterfaceConfigurations"]
    (address,) = interface["properties"]["ipConfigurations"]
    public = address["properties"]["publicIPAddressConfiguration"]
    owners = (profile["storageProfile"]["osDisk"], interface["properties"], public["properties"])
    assert [owner["deleteOption"] for owner in owners] == ["Delete"] * 3


def test_one_size_is_asked_for_plainly_and_several_in_their_order(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    sizes = ("Standard_D2s_v5", "Standard_F2s_v2")
    machines = azure.launch(make_azure_spec(machine_types=sizes))

    plain, mixed = map(body, sent(arm, CREATE))
    assert plain["sku"] == {"name": "Standard_D2s_v5", "capacity": 2}
    assert "skuProfile" not in plain["properties"]
    assert mixed["sku"] == {"name": "Mix", "capacity": 2}
    ranked = mixed["properties"]["skuProfile"]["vmSizes"]
    assert ranked == [{"name": name, "rank": rank} for rank, name in enumerate(sizes)]
    assert {machine.machine_type for machine in machines} == {"Standard_D2s_v5"}


@pytest.mark.parametrize("size", ["Standard_F2s_v2", "Standard_D2s_v5"])
def test_machines_show_their_size_by_its_name_also_where_the_sdk_knows_it(
    size: str, azure: AzureProvider, make_azure_spec: MakeSpec
) -> None:
    machines = azure.launch(make_azure_spec(machine_types=(size,)))

    assert {machine.machine_type for machine in machines} == {size}


def test_arm_machines_boot_an_arm_image(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec(machine_types=("Standard_D4pls_v6",)))

    (scale_set,) = map(body, sent(arm, CREATE))
    profile = scale_set["properties"]["virtualMachineProfile"]
    assert profile["storageProfile"]["imageReference"]["sku"] == "server-arm64"


def test_the_network_of_a_region_is_made_once_and_lets_nobody_in(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    azure.launch(make_azure_spec())
    azure.launch(make_azure_spec())

    (firewall,) = map(body, sent(arm, "NetworkSecurityGroups.CreateOrUpdate"))
    (network,) = map(body, sent(arm, "VirtualNetworks.CreateOrUpdate"))
    (rule,) = firewall["properties"]["securityRules"]
    assert (rule["properties"]["direction"], rule["properties"]["access"]) == ("Inbound", "Deny")
    (subnet,) = network["properties"]["subnets"]
    assert subnet["properties"]["defaultOutboundAccess"] is False
    assert "networkSecurityGroup" in subnet["properties"]


def test_hundreds_of_machines_take_one_call_and_come_on_pages(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    machines = azure.launch(make_azure_spec(count=120, min_count=120))

    assert len({machine.machine_id for machine in machines}) == 120
    assert len(sent(arm, CREATE)) == 1


def test_a_fleet_that_takes_long_is_asked_about_again_with_the_same_token(
    manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    def now_s() -> float:
        return manual_clock.now().timestamp()

    arm = RehearsedArm(now_s, AzurePace(boot_s=2.5 * PATIENCE_S))
    azure = azure_provider_in_process(arm, manual_clock)
    spec = make_azure_spec()
    # The network takes as long as everything does here.
    with pytest.raises(UnknownOutcomeError, match="still being made"):
        azure.launch(spec)
    manual_clock.sleep(100)
    with pytest.raises(UnknownOutcomeError, match="still being made"):
        azure.launch(spec)
    manual_clock.sleep(100)

    for _ in range(2):
        with pytest.raises(UnknownOutcomeError, match=r"2 of 2 machines .* can be seen so far"):
            azure.launch(spec)
        seen = azure.observe(spec.run_id, [spec.region])
        assert {machine.state for machine in seen} == {MachineState.PENDING}
    machines = azure.launch(spec)

    assert {machine.state for machine in machines} == {MachineState.RUNNING}
    assert len(sent(arm, CREATE)) == 1


def test_an_answer_that_is_lost_does_not_lose_the_machines(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    arm.world.add(Fault(FaultKind.LOST_REPLY, CREATE, times=1))

    assert len(azure.launch(make_azure_spec())) == 2
    assert len(sent(arm, CREATE)) == 2


def test_answers_that_are_lost_for_good_are_an_unknown_outcome_and_the_token_finds_the_machines(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    arm.world.add(Fault(FaultKind.LOST_REPLY, CREATE, times=2))

    with pytest.raises(UnknownOutcomeError):
        azure.launch(spec)

    assert len(azure.launch(spec)) == 2
    assert len(azure.observe(spec.run_id, [spec.region])) == 2


def test_a_quota_that_refuses_at_once_is_told_in_numbers_and_leaves_nothing(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    arm.world.add(Fault(FaultKind.VCPU_LIMIT, available=3))
    spec = make_azure_spec()

    with pytest.raises(QuotaExceededError) as caught:
        azure.launch(spec)

    numbers = [caught.value.facts[name] for name in ("limit", "used", "wanted")]
    assert numbers == [3, 0, 4]
    wait_until_gone(azure, manual_clock, spec)


@pytest.mark.parametrize(
    "code", ["AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest"]
)
def test_capacity_that_fails_late_is_capacity_and_leaves_nothing(
    code: str,
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    arm.world.add(Fault(FaultKind.LATE_FAILURE, CREATE, code=code))
    spec = make_azure_spec()

    with pytest.raises(CapacityUnavailableError, match=f"0 of at least 2 machines: .*{code}") as e:
        azure.launch(spec)

    assert e.value.facts[SPENT] is True
    assert e.value.facts["azure_code"] == code
    wait_until_gone(azure, manual_clock, spec)


def test_a_process_that_did_not_send_the_call_reads_why_it_failed_from_the_machines(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=1, code="ZonalAllocationFailed"))
    arm.world.add(Fault(FaultKind.LOST_REPLY, CREATE, times=2))
    with pytest.raises(UnknownOutcomeError):
        azure.launch(spec)
    other = azure_provider_in_process(arm, manual_clock)

    with pytest.raises(CapacityUnavailableError, match="ZonalAllocationFailed") as caught:
        other.launch(spec)

    assert caught.value.facts["launched"] == 1
    assert not sent(arm, "Operations.Get")


def test_a_late_failure_that_azure_does_not_explain_is_a_shortage_with_its_words(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    arm.world.add(Fault(FaultKind.LATE_FAILURE, CREATE, code="InternalExecutionError"))

    with pytest.raises(CapacityUnavailableError, match="InternalExecutionError"):
        azure.launch(make_azure_spec())


def test_a_short_fleet_spends_its_token(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=1))
    with pytest.raises(CapacityUnavailableError):
        azure.launch(spec)
    arm.world.clear()
    wait_until_gone(azure, manual_clock, spec)

    with pytest.raises(ConfigurationRejectedError, match="new token"):
        azure.launch(spec)
    assert len(azure.launch(make_azure_spec(run_id=spec.run_id, attempt=2))) == 2


def test_machines_that_failed_are_deleted_where_the_others_suffice(
    azure: AzureProvider, arm: RehearsedArm, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec(count=3, min_count=2)
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=2))

    machines = azure.launch(spec)

    assert len(machines) == 2
    assert azure.observe(spec.run_id, [spec.region]) == machines
    (request,) = sent(arm, "VirtualMachineScaleSets.DeleteInstances")
    assert len(body(request)["instanceIds"]) == 1
    assert azure.launch(spec) == machines


def test_a_short_fleet_that_cannot_be_released_is_an_unknown_outcome(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=1))
    arm.world.add(Fault(FaultKind.LOST_REQUEST, "ResourceGroups.Delete", times=2))

    with pytest.raises(UnknownOutcomeError, match="may be left"):
        azure.launch(spec)

    azure.release(spec.run_id, [spec.region])
    wait_until_gone(azure, manual_clock, spec)


def test_a_launch_that_a_release_overtook_leaves_nothing(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    """The other process launches and releases between this one's look and its create call."""
    spec = make_azure_spec()
    other = azure_provider_in_process(arm, manual_clock)

    def overtaken() -> str:
        other.launch(spec)
        other.release(spec.run_id, [spec.region])
        wait_until_gone(other, manual_clock, spec)
        return "ssh-rsa late"

    azure._make_key = overtaken

    with pytest.raises(ConfigurationRejectedError, match="new token"):
        azure.launch(spec)

    assert len(sent(arm, CREATE)) == 2
    wait_until_gone(azure, manual_clock, spec)


def test_a_token_whose_machines_would_have_expired_launches_nothing(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    manual_clock.sleep(timedelta(minutes=11).total_seconds())

    with pytest.raises(ConfigurationRejectedError, match="has expired"):
        azure.launch(spec)

    assert not arm.world.requests


def test_a_group_that_is_still_going_is_in_the_way_and_no_failure(
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.throttling.ATTEMPTS", 1)
    impatient = azure_provider_in_process(arm, manual_clock)
    spec = make_azure_spec()
    azure.launch(spec)
    azure.release(spec.run_id, [spec.region])

    with pytest.raises(ThrottledError, match="ResourceGroupBeingDeleted"):
        impatient.launch(make_azure_spec(run_id=spec.run_id, attempt=2))
    wait_until_gone(azure, manual_clock, spec)

    assert len(impatient.launch(make_azure_spec(run_id=spec.run_id, attempt=2))) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 1_001, "min_count": 1}, "1,000 machines in one launch"),
        ({"machine_types": ("Standard_D2s_v5",) * 6}, "5 machine sizes"),
        ({"machine_types": ("Standard_D2s_v5", "Standard_D2ps_v5")}, "different processors"),
        ({"user_data": "#!/bin/sh\n" + "#" * 65_536}, "65535"),
    ],
    ids=["too many", "too many sizes", "two architectures", "too long"],
)
def test_what_azure_could_never_do_is_refused_before_anything_is_made(
    changes: dict[str, Any],
    words: str,
    azure: AzureProvider,
    arm: RehearsedArm,
    make_azure_spec: MakeSpec,
) -> None:
    for ask in (azure.check, azure.launch):
        with pytest.raises(ConfigurationRejectedError, match=words):
            ask(make_azure_spec(**changes))

    assert {request.parameters["method"] for request in arm.world.requests} <= {"GET"}


@pytest.mark.parametrize("code", ["AuthorizationFailed", "RequestDisallowedByPolicy"])
def test_a_refusal_leaves_no_group_behind(
    code: str,
    azure: AzureProvider,
    arm: RehearsedArm,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    spec = make_azure_spec()
    arm.world.add(Fault(FaultKind.REFUSAL, CREATE, code=code))

    with pytest.raises(ProviderFailedError, match=code):
        azure.launch(spec)

    wait_until_gone(azure, manual_clock, spec)


def test_a_refusal_does_not_take_away_what_the_same_token_has_made_elsewhere(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    other = azure_provider_in_process(arm, manual_clock)
    machines: list[object] = []

    def overtaken() -> str:
        machines.extend(other.launch(spec))
        arm.world.add(Fault(FaultKind.REFUSAL, CREATE, code="OperationNotAllowed"))
        return "ssh-rsa late"

    azure._make_key = overtaken

    with pytest.raises(ConfigurationRejectedError):
        azure.launch(spec)

    assert list(azure.observe(spec.run_id, [spec.region])) == machines


def test_who_comes_second_with_a_token_gets_the_machines_of_the_first(
    azure: AzureProvider, arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    """Each has a login of its own in its call, so that the calls are not the same."""
    spec = make_azure_spec()
    other = azure_provider_in_process(arm, manual_clock)
    machines: list[object] = []

    def overtaken() -> str:
        machines.extend(other.launch(spec))
        return "ssh-rsa late"

    azure._make_key = overtaken

    assert list(azure.launch(spec)) == machines
    assert list(azure.observe(spec.run_id, [spec.region])) == machines
    assert [request.parameters["if-none-match"] for request in sent(arm, CREATE)] == ["*", "*"]


def test_run_ids_that_azure_does_not_take_as_names_work_too(
    azure: AzureProvider, make_azure_spec: MakeSpec
) -> None:
    for run_id in ("run with spaces/and.", "r" * 200):
        spec = make_azure_spec(run_id=run_id, token=run_id[:64])
        assert len(azure.launch(replace(spec, count=1, min_count=1))) == 1
        assert len(azure.observe(run_id, [spec.region])) == 1
