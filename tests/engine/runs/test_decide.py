"""What happens next, as a table: every state, every thing that can be seen there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.load.driver import LoadPhase, LoadProgress
from engine.runs.decide import (
    BeginRelease,
    End,
    GiveUp,
    Launch,
    Observed,
    RecordIntent,
    RecordLoadStart,
    Release,
    Wait,
    decide,
)
from engine.runs.model.states import Limits, Outcome, Placement, Run, RunOrder, RunState
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import quote_run
from pricing.tariffs import LoadSize
from providers.contract import Machine, MachineState

START = datetime(2027, 1, 25, 10, tzinfo=UTC)
LIMITS = Limits()
SCENARIO = Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 1000), (540, 1000), (600, 0)]))


def machine(number: int, state: MachineState = MachineState.RUNNING) -> Machine:
    return Machine(
        f"i-{number}", "run-1", "us-east-1", "c7i.large", state, START, START + timedelta(hours=1)
    )


TWO = (machine(1), machine(2))


def run_in(state: RunState, **changes: object) -> Run:
    order = RunOrder(
        run_id="run-1",
        account_id="acme",
        scenario=SCENARIO,
        quote=quote_run(
            find_plan("on-demand", BUNDLED_PLANS),
            LoadSize(injectors=2, users=1000, duration_s=600),
            at=date(2027, 1, 25),
        ),
        provider="aws",
        placements=(Placement("aws", "us-east-1", ("c7i.large",), 2, (89_250,)),),
        rehearsal=True,
        time_scale=1.0,
        accepted_at=START,
    )
    reached = list(RunState).index(state)
    moments: dict[str, object] = {}
    if reached >= 1:
        moments |= {"intent_at": START, "attempt": 1}
    if reached >= 2:
        moments |= {"launched_at": START + timedelta(seconds=20), "machines": TWO}
    if reached >= 3:
        moments |= {"load_started_at": START + timedelta(seconds=60)}
    if reached >= 4:
        moments |= {
            "release_at": START + timedelta(seconds=700),
            "outcome": Outcome.COMPLETED,
        }
    run = Run(order, state)
    return replace(run, **(moments | changes))


def progress(phase: LoadPhase, message: str = "") -> LoadProgress:
    return LoadProgress(phase, message=message)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_accepted_run_is_charged_with_its_intent_before_anything_is_launched() -> None:
    assert decide(run_in(RunState.ACCEPTED), Observed(), at(0), LIMITS) == RecordIntent()


def test_a_cancel_before_the_intent_ends_the_run_free_of_charge() -> None:
    action = decide(run_in(RunState.ACCEPTED, cancel_at=at(1)), Observed(), at(2), LIMITS)
    assert isinstance(action, End)
    assert action.outcome is Outcome.CANCELLED


@pytest.mark.parametrize("state", [RunState.LAUNCHING, RunState.STARTING, RunState.RUNNING])
def test_a_cancel_after_the_intent_releases_the_machines_whatever_else_is_seen(
    state: RunState,
) -> None:
    observed = Observed(TWO, progress(LoadPhase.DONE))
    action = decide(run_in(state, cancel_at=at(30)), observed, at(31), LIMITS)
    assert isinstance(action, BeginRelease)
    assert action.outcome is Outcome.CANCELLED


def test_a_launch_is_sent_until_it_is_answered() -> None:
    assert decide(run_in(RunState.LAUNCHING), Observed(), at(1), LIMITS) == Launch()
    assert decide(run_in(RunState.LAUNCHING), Observed(TWO), at(1), LIMITS) == Launch()


def test_a_launch_that_is_never_answered_fails_at_its_deadline() -> None:
    action = decide(run_in(RunState.LAUNCHING), Observed(), at(LIMITS.launch_s), LIMITS)
    assert isinstance(action, BeginRelease)
    assert action.outcome is Outcome.FAILED


def test_starting_waits_for_load_and_records_when_it_flows() -> None:
    run = run_in(RunState.STARTING)
    assert decide(run, Observed(TWO, progress(LoadPhase.WAITING)), at(30), LIMITS) == Wait()
    flowing = Observed(TWO, progress(LoadPhase.FLOWING))
    assert decide(run, flowing, at(30), LIMITS) == RecordLoadStart()
    over = Observed((), progress(LoadPhase.DONE))
    assert decide(run, over, at(30), LIMITS) == RecordLoadStart()


def test_a_machine_that_is_only_slow_to_show_is_not_lost() -> None:
    run = run_in(RunState.STARTING)
    waiting = progress(LoadPhase.WAITING)
    early = decide(run, Observed(TWO[:1], waiting), at(25), LIMITS)
    late = decide(run, Observed(TWO[:1], waiting), at(20 + LIMITS.visibility_s), LIMITS)
    assert early == Wait()
    assert isinstance(late, BeginRelease)
    assert late.reason == "1 of 2 machines were lost before the start"


def test_injectors_that_fail_to_start_fail_the_run_with_their_own_words() -> None:
    action = decide(
        run_in(RunState.STARTING),
        Observed(TWO, progress(LoadPhase.FAILED, "port 5557 is taken")),
        at(21),
        LIMITS,
    )
    assert action == BeginRelease(Outcome.FAILED, "port 5557 is taken")


def test_a_load_that_never_starts_fails_at_its_deadline() -> None:
    observed = Observed(TWO, progress(LoadPhase.WAITING))
    action = decide(run_in(RunState.STARTING), observed, at(20 + LIMITS.start_s), LIMITS)
    assert isinstance(action, BeginRelease)
    assert action.outcome is Outcome.FAILED


def test_a_running_load_is_waited_for_and_released_when_done() -> None:
    run = run_in(RunState.RUNNING)
    assert decide(run, Observed(TWO, progress(LoadPhase.FLOWING)), at(70), LIMITS) == Wait()
    done = decide(run, Observed((), progress(LoadPhase.DONE)), at(660), LIMITS)
    assert done == BeginRelease(Outcome.COMPLETED)


def test_a_load_that_nobody_quoted_is_ended_also_when_it_is_over_by_then() -> None:
    run = run_in(RunState.RUNNING)
    for phase in (LoadPhase.FLOWING, LoadPhase.DONE, LoadPhase.FAILED):
        seen = Observed(TWO, LoadProgress(phase, peak_users=1_051))
        action = decide(run, seen, at(70), LIMITS)
        assert isinstance(action, BeginRelease)
        assert action.outcome is Outcome.STOPPED
        assert action.reason.startswith("1,051 users were active, and 1,000 were quoted")
    tolerated = Observed(TWO, LoadProgress(LoadPhase.FLOWING, peak_users=1_050))
    assert decide(run, tolerated, at(70), LIMITS) == Wait()


def test_one_lost_machine_leaves_the_run_going_and_all_of_them_end_it() -> None:
    run = run_in(RunState.RUNNING)
    flowing = progress(LoadPhase.FLOWING)
    assert decide(run, Observed(TWO[:1], flowing), at(70), LIMITS) == Wait()
    action = decide(run, Observed((), flowing), at(70), LIMITS)
    assert isinstance(action, BeginRelease)
    assert action.outcome is Outcome.FAILED


def test_a_load_that_does_not_end_is_ended_by_force() -> None:
    flowing = Observed(TWO, progress(LoadPhase.FLOWING))
    over = at(60 + 600 + LIMITS.overrun_s)
    action = decide(run_in(RunState.RUNNING), flowing, over, LIMITS)
    assert isinstance(action, BeginRelease)
    assert action.outcome is Outcome.FAILED


def test_a_release_is_asked_for_until_the_machines_stop_and_ends_only_when_none_is_left() -> None:
    run = run_in(RunState.RELEASING)
    assert decide(run, Observed(TWO), at(701), LIMITS) == Release()
    stopping = (machine(1, MachineState.STOPPING),)
    assert decide(run, Observed(stopping), at(702), LIMITS) == Wait()
    assert decide(run, Observed(), at(703), LIMITS) == End(Outcome.COMPLETED)


def test_a_run_whose_launch_was_never_answered_is_watched_before_it_counts_as_gone() -> None:
    run = run_in(RunState.RELEASING, launched_at=None, outcome=Outcome.CANCELLED)
    assert decide(run, Observed(), at(701), LIMITS) == Release()
    later = at(700 + LIMITS.visibility_s)
    assert decide(run, Observed(), later, LIMITS) == End(Outcome.CANCELLED)


def test_machines_that_do_not_go_are_given_up_loudly_and_the_run_stays_open() -> None:
    action = decide(run_in(RunState.RELEASING), Observed(TWO), at(700 + LIMITS.release_s), LIMITS)
    assert action == GiveUp()


@pytest.mark.parametrize("state", [MachineState.STOPPING, MachineState.LEFTOVER])
def test_machines_that_are_going_or_leave_something_behind_carry_no_load(
    state: MachineState,
) -> None:
    waiting, flowing = progress(LoadPhase.WAITING), progress(LoadPhase.FLOWING)
    going = (machine(1, state), machine(2, state))

    late = at(20 + LIMITS.visibility_s)
    lost = decide(run_in(RunState.STARTING), Observed(going, waiting), late, LIMITS)
    assert isinstance(lost, BeginRelease)
    assert "2 of 2 machines were lost" in lost.reason

    lost = decide(run_in(RunState.RUNNING), Observed(going, flowing), at(90), LIMITS)
    assert isinstance(lost, BeginRelease)
    one_left = Observed((machine(1, state), machine(2)), flowing)
    assert decide(run_in(RunState.RUNNING), one_left, at(90), LIMITS) == Wait()


def test_a_run_does_not_end_while_something_of_its_machines_is_left() -> None:
    run = run_in(RunState.RELEASING)
    left = Observed((machine(1, MachineState.LEFTOVER),))

    assert left.machine_count == 0
    assert decide(run, left, at(701), LIMITS) == Wait()
    assert decide(run, left, at(700 + LIMITS.stop_s), LIMITS) == Release()
    assert isinstance(decide(run, Observed(), at(701), LIMITS), End)


def test_machines_that_are_stopping_for_too_long_are_asked_again() -> None:
    stopping = Observed((machine(1, MachineState.STOPPING),))
    run = run_in(RunState.RELEASING)
    assert decide(run, stopping, at(700 + LIMITS.stop_s), LIMITS) == Release()


def test_a_release_that_another_could_not_prove_is_tried_for_as_long_again() -> None:
    run = run_in(RunState.RELEASING)
    taken_over = at(5000)
    assert decide(run, Observed(TWO), at(5000), LIMITS, since=taken_over) == Release()
    given_up = at(5000 + LIMITS.release_s)
    assert decide(run, Observed(TWO), given_up, LIMITS, since=taken_over) == GiveUp()
    assert decide(run, Observed(TWO), at(702), LIMITS, since=at(0)) == Release()


def test_nothing_is_decided_for_a_run_that_has_ended() -> None:
    with pytest.raises(AssertionError):
        decide(run_in(RunState.ENDED), Observed(), at(0), LIMITS)


@given(
    state=st.sampled_from([state for state in RunState if state is not RunState.ENDED]),
    machines=st.sampled_from([(), TWO[:1], TWO]),
    phase=st.sampled_from(list(LoadPhase)),
    cancelled=st.booleans(),
    now_s=st.floats(0, 10_000),
)
def test_no_run_ends_while_a_machine_is_seen(
    state: RunState,
    machines: tuple[Machine, ...],
    phase: LoadPhase,
    cancelled: bool,
    now_s: float,
) -> None:
    run = run_in(state, cancel_at=at(1) if cancelled else None)
    seen = machines if state is not RunState.ACCEPTED else ()
    action = decide(run, Observed(seen, progress(phase)), at(now_s), LIMITS)
    if isinstance(action, End):
        assert not seen
    if isinstance(action, Launch):
        assert state is RunState.LAUNCHING
        assert not cancelled


def test_that_the_load_failed_of_itself_is_kept_until_the_run_has_ended() -> None:
    failed = LoadProgress(LoadPhase.FAILED, message="own.py:1: no luck", load_at_fault=True)
    seen = Observed(TWO, failed).sighting(START)
    gone = Observed().sighting(START, Observed(TWO).sighting(START, seen))
    run = run_in(RunState.ENDED, outcome=Outcome.FAILED, last_seen=gone)
    assert run.failed_by_load
    assert not replace(run, last_seen=Observed(TWO).sighting(START)).failed_by_load
    assert not replace(run, outcome=Outcome.CANCELLED).failed_by_load
