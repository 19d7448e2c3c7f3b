"""What a cloud that fails makes of a run: its machines go, and its bill is right."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from engine.load.folder import ORDER
from engine.runs.clouds.registry import LOCAL_LIMITS
from engine.runs.clouds.rehearsals import REHEARSAL_LIMITS
from engine.runs.controller import Controller
from engine.runs.model.errors import ReleaseUnprovenError
from engine.runs.model.states import Limits, Outcome, Run, RunState
from engine.scenario import RegionShare, Scenario
from kernel.errors import ProviderFailedError
from pricing.money import MICROS_PER_CENT
from providers.contract import MachineState
from providers.errors import UnknownOutcomeError
from providers.local.processes import processes_by_machine
from providers.local.records import launch_folders, mark_released
from providers.rehearsal.aws_cloud import is_alive, start_rehearsal_server
from providers.rehearsal.faults import Fault, FaultKind, WireRequest

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab, Stage

STARTUP, USE = 4_500_000, 10_500_000
FOR_EVER = 1_000
BROKEN = "ServerInternal"
"""Nobody knows what came of the call."""


def refused(action: str, code: str) -> Fault:
    return Fault(FaultKind.REFUSAL, action, FOR_EVER, code)


def with_limits(controller: Controller, limits: Limits) -> Controller:
    """The controller, more or less patient with its cloud."""
    open_cloud = controller.open_cloud
    controller.open_cloud = lambda run: replace(open_cloud(run), limits=limits)
    return controller


def check_books(stage: Stage, run: Run, startup: int, use: int) -> None:
    """One start-up charge, one invoice, and of both lines what is said here is kept."""
    books = stage.books(run)
    quote = run.order.quote
    assert books.startup_charges[0] == quote.startup
    assert all(amount < 0 for amount in books.startup_charges[1:])
    assert not any(books.sums.values())
    assert books.kept == (startup, use)
    assert books.invoices == (startup + use,)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.THROTTLING, "CreateFleet", times=3),
        Fault(FaultKind.THROTTLING, "DescribeInstances", times=4),
        Fault(FaultKind.THROTTLING, "DeleteFleets", times=4),
        Fault(FaultKind.LOST_REQUEST, "CreateFleet", times=3),
        Fault(FaultKind.LOST_REPLY, "CreateFleet", times=1),
        Fault(FaultKind.LOST_REPLY, "CreateFleet", times=5),
        Fault(FaultKind.LOST_REPLY, "DescribeInstances", times=3),
        Fault(FaultKind.LOST_REPLY, "DeleteFleets", times=3),
        Fault(FaultKind.LOST_REQUEST, "DeleteFleets", times=3),
        Fault(FaultKind.REFUSAL, "CreateFleet", times=2, code=BROKEN),
    ],
    ids=str,
)
def test_a_passing_fault_delays_a_run_and_changes_nothing_else(
    fault: Fault, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(fault)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert lab.machines(run) == 0
    assert lab.machines_ever(run) == 3
    assert len({each.parameters["ClientToken"] for each in creations(lab)}) == 1
    check_books(lab, run, STARTUP, USE)


def test_while_the_load_flows_its_machines_are_on_record_as_running(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    states: list[MachineState] = []

    def look() -> None:
        states.extend(each.state for each in lab.engine.runs.store.load(run.id).machines)

    lab.drive(run, at_step={"starting/RecordLoadStart/after": look})

    assert states == [MachineState.RUNNING] * 3


def creations(lab: Lab) -> list[WireRequest]:
    return lab.rehearsal.requests("CreateFleet")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(FaultKind.SHORT_CAPACITY, available=0), "InsufficientInstanceCapacity"),
        (Fault(FaultKind.VCPU_LIMIT, available=0), "VcpuLimitExceeded"),
        (refused("CreateFleet", "InvalidParameterValue"), "InvalidParameterValue"),
        (refused("DescribeInstanceTypes", "AuthFailure"), "AuthFailure"),
        (Fault(FaultKind.THROTTLING, "CreateFleet", FOR_EVER), "not launched within 30 s"),
        (refused("CreateFleet", BROKEN), "not launched within 30 s"),
    ],
    ids=str,
)
def test_a_launch_that_cannot_be_fails_the_run_and_all_of_its_charge_comes_back(
    fault: Fault, reason: str, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(fault)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert reason in ended.reason
    assert lab.machines_ever(run) == 0
    check_books(lab, run, 0, 0)


@pytest.mark.promise("provider-checked-before-charge", command="run", provider="aws")
@pytest.mark.parametrize(
    "code", ["AuthFailure", "UnauthorizedOperation", "ExpiredToken", "OptInRequired"]
)
def test_a_cloud_that_does_not_let_us_in_fails_the_run_before_anything_is_charged(
    code: str, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(refused("DescribeInstances", code))

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert code in ended.reason
    lab.rehearsal.clear()
    assert lab.machines_ever(run) == 0
    books = lab.books(run)
    assert (books.startup_charges, books.use_charges, books.invoices) == ((), (), ())
    assert lab.engine.accounts.show(run.order.account_id).charged_usd_micros == 0


def cloud_cost_in_cents(run: Run, machines: int, seconds: int) -> int:
    """List price of so many of the run's machines, in micro-dollars, in whole cents."""
    (placement,) = run.order.placements
    hourly = placement.hourly_usd_micros[0] + placement.around_monthly_usd_micros / 730
    exact = machines * hourly * seconds / 3600
    return round(exact / MICROS_PER_CENT) * MICROS_PER_CENT


def test_machines_lost_before_the_start_fail_the_run_which_keeps_what_they_cost(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)

    ended = lab.drive(run, at_step={"launching/Launch/after": lambda: lab.terminate(run, 1)})

    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "1 of 3 machines were lost before the start"
    assert lab.machines(run) == 0
    # Noticed after 30 s, gone after 40; the least that AWS bills is 60.
    kept = cloud_cost_in_cents(run, machines=3, seconds=60)
    assert kept == MICROS_PER_CENT
    check_books(lab, run, kept, 0)


def test_one_machine_lost_under_load_does_not_end_the_run(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)

    ended = lab.drive(run, at_step={"running/Wait/before": lambda: lab.terminate(run, 1)})

    assert ended.outcome is Outcome.COMPLETED
    assert lab.machines(run) == 0
    check_books(lab, run, STARTUP, USE)


def test_all_machines_lost_under_load_fail_the_run_which_pays_for_what_was_played(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)

    def lose_all() -> None:
        lab.clock.sleep(30)
        lab.terminate(run)

    ended = lab.drive(run, at_step={"running/Wait/before": lose_all})

    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "all machines were lost while load was flowing"
    # Noticed 400 s into the test: seven started minutes of six injectors.
    check_books(lab, run, STARTUP, USE * 12 // 30)


@pytest.mark.parametrize("step", ["launching/Launch/before", "launching/Launch/after"])
def test_a_cancel_finds_the_machines_of_a_launch_whose_answer_was_lost(
    step: str, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(Fault(FaultKind.LOST_REPLY, "CreateFleet", FOR_EVER))

    ended = lab.drive(run, at_step={step: lambda: lab.cancel_request(run)})

    assert ended.outcome is Outcome.CANCELLED
    assert ended.launched_at is None
    assert lab.machines(run) == 0
    assert lab.machines_ever(run) == 3
    check_books(lab, run, STARTUP, 0)


def test_a_launch_whose_answer_is_lost_for_good_fails_and_keeps_what_the_machines_cost(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(Fault(FaultKind.LOST_REPLY, "CreateFleet", FOR_EVER))

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "not launched within 30 s"
    assert lab.machines(run) == 0
    assert lab.machines_ever(run) == 3
    assert len(ended.machines) == 3
    startup, _ = lab.books(run).kept or (0, 0)
    assert startup >= cloud_cost_in_cents(run, machines=3, seconds=60) > 0
    check_books(lab, run, startup, 0)


def test_a_fleet_that_would_fall_short_is_not_launched_at_all(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    leave(lab, run, 2)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert "of at least 3 machines" in ended.reason
    assert lab.machines(run) == 0
    check_books(lab, run, 0, 0)


def leave(lab: Lab, run: Run, available: int) -> None:
    """So many machines of the cheapest type in each region, and none of the others."""
    for option in run.order.placements[0].options:
        lab.rehearsal.inject(
            Fault(
                FaultKind.SHORT_CAPACITY, machine_type=option.machine_types[0], available=available
            )
        )
    lab.rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY))


def test_machines_in_one_region_go_when_another_has_too_few(lab: Lab, checkout: Scenario) -> None:
    shares = (RegionShare("us-east-1", 0.1), RegionShare("eu-west-1", 0.9))
    run = lab.accept(replace(checkout, regions=shares))
    assert [placement.count for placement in run.order.placements] == [1, 3]
    leave(lab, run, 1)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert "AWS eu-west-1" in ended.reason
    assert [machine.region for machine in ended.machines] == ["us-east-1"]
    assert lab.machines(run) == 0
    assert lab.machines_ever(run) == 1
    # One machine for a minute: less than half a cent.
    check_books(lab, run, 0, 0)


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.CANCELLED])
def test_machines_that_cannot_be_released_leave_the_run_open_until_a_cancel_can(
    outcome: Outcome, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    cancel_after_s = 300 if outcome is Outcome.CANCELLED else None
    for action in ("DeleteFleets", "TerminateInstances"):
        lab.rehearsal.inject(refused(action, BROKEN))

    with pytest.raises(ReleaseUnprovenError) as unproven:
        lab.drive(run, cancel_after_s=cancel_after_s)

    assert unproven.value.facts == {"run": run.id, "machines": 3}
    assert lab.engine.runs.store.load(run.id).state is RunState.RELEASING
    assert lab.machines(run) == 3
    with pytest.raises(ReleaseUnprovenError):
        lab.drive(run)
    lab.rehearsal.clear()
    lab.cancel_request(run)
    ended = lab.drive(run)
    assert ended.outcome is outcome
    assert lab.machines(run) == 0
    check_books(lab, run, STARTUP, USE if outcome is Outcome.COMPLETED else USE * 12 // 30)


def test_a_provider_that_cannot_be_seen_for_too_long_stops_the_controller_not_the_run(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    blind = refused("DescribeInstances", BROKEN)

    with pytest.raises(UnknownOutcomeError):
        lab.drive(run, at_step={"running/Wait/before": lambda: lab.rehearsal.inject(blind)})

    assert lab.engine.runs.store.load(run.id).state is RunState.RUNNING
    lab.rehearsal.clear()
    ended = lab.drive(run)
    assert ended.outcome is Outcome.COMPLETED
    assert lab.machines(run) == 0
    check_books(lab, run, STARTUP, USE)


def test_a_rehearsal_that_dies_takes_its_machines_along_and_the_run_ends(
    here: Stage, checkout: Scenario
) -> None:
    run = here.accept(checkout, provider="aws", dry_run=True, time_scale=10.0)
    cloud = start_rehearsal_server(here.engine.runs.folder / run.id, boot_s=0.0, shutdown_s=0.0)
    controller = with_limits(here.controller(), replace(REHEARSAL_LIMITS, blind_looks_max=2))
    controller.on_step = lambda name: (
        os.kill(cloud.pid, signal.SIGKILL) if name == "running/Wait/before" else None
    )

    with pytest.raises(ProviderFailedError):
        controller.drive(run.id)
    ended = here.engine.runs.cancel(run.id)

    assert ended.outcome is Outcome.CANCELLED
    assert ended.endpoint not in {None, cloud.endpoint_url}
    assert not is_alive(ended.endpoint or "")
    check_books(here, run, STARTUP, 0)


def test_a_load_that_cannot_be_prepared_fails_the_run_and_costs_nothing(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    run = here.accept(visits(3))
    in_the_way = here.engine.runs.folder / run.id / ORDER
    in_the_way.mkdir(parents=True)

    ended = here.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert "the load cannot be prepared" in ended.reason
    check_books(here, run, 0, 0)


def test_machines_whose_releaser_died_before_it_told_them_are_told_again(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    run = here.accept(visits(60))
    machines = here.engine.runs.folder / "machines"
    controller = with_limits(here.controller(), replace(LOCAL_LIMITS, stop_s=1.0))

    def on_step(name: str) -> None:
        if name == "running/Wait/after":
            here.cancel_request(run)
        if name == "running/BeginRelease/after":
            # All that a release had done when it was killed.
            for folder in launch_folders(machines, run.id):
                mark_released(folder)

    controller.on_step = on_step
    ended = controller.drive(run.id)

    assert ended.outcome is Outcome.CANCELLED
    assert here.machines(run) == 0
    check_books(here, run, run.order.quote.startup, 0)


def kill_all(stage: Stage) -> None:
    """End every process of every machine, supervisors and injectors, with SIGKILL."""
    for processes in processes_by_machine(stage.engine.runs.folder).values():
        for process in processes:
            process.kill()


def test_injectors_that_are_killed_while_they_start_fail_the_run_and_cost_nothing(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    run = here.accept(visits(60))

    ended = here.drive(run, at_step={"starting/Wait/after": lambda: kill_all(here)})

    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "1 of 1 machines were lost before the start"
    check_books(here, run, 0, 0)


def test_injectors_that_are_killed_under_load_end_the_run_which_pays_for_what_was_played(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    run = here.accept(visits(60))

    ended = here.drive(run, at_step={"running/Wait/after": lambda: kill_all(here)})

    assert ended.outcome is Outcome.FAILED
    assert ended.reason == "all machines were lost while load was flowing"
    assert ended.result is not None
    assert not ended.result.valid
    check_books(here, run, run.order.quote.startup, 0)
