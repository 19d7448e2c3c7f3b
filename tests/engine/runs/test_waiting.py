"""Waiting for runs, and only watching them: here, in threads of an event loop, elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.commands.waiting import RunWaiting
from engine.runs.decide import Observed
from engine.runs.interrupted import drive_or_end
from engine.runs.model.errors import DriveTimeoutError
from engine.runs.model.states import Outcome, Run, RunState
from engine.runs.spending import charged_so_far
from engine.scenario import Scenario
from kernel.errors import ProviderFailedError
from providers.contract import MachineState

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab


def test_what_a_controller_sees_is_on_record_for_others(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    pairs = []

    def look(before: Run, observed: Observed) -> None:
        seen = lab.engine.runs.store.load(before.id).last_seen
        assert seen is not None
        kept = (seen.machine_count, seen.progress)
        pairs.append((kept, (observed.machine_count, observed.progress)))

    controller = lab.controller()
    controller.watch = look
    controller.drive(run.id)

    assert all(kept == observed for kept, observed in pairs)
    users = [kept[1].users for kept, _ in pairs if kept[1] is not None]
    assert max(users) == 3_000


def waiting_in(lab: Lab, elsewhere: Callable[[str], None] | None = None) -> RunWaiting:
    """Waiting whose drives go to the lab's cloud."""

    def drive(
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool],
    ) -> Run:
        controller = lab.controller()
        controller.watch = watch or controller.watch
        controller.cancel_wanted = cancel_wanted or controller.cancel_wanted
        controller.stop_wanted = stop_wanted
        return drive_or_end(controller, run_id)

    return RunWaiting(
        load=lab.engine.runs.store.load,
        drive=drive,
        drive_elsewhere=elsewhere or lab.engine.runs.detach,
        since_unattended=lambda run_id: lab.engine.runs.unattended().get(run_id),
        now=lab.clock.now,
        sleep=lab.clock.sleep,
    )


def test_wait_tells_its_callback_of_every_state_with_what_was_seen(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    told: list[Run] = []

    ended = waiting_in(lab).wait(run.id, timeout_s=3_600.0, enough=None, callback=told.append)

    assert list(dict.fromkeys(each.state for each in told)) == list(RunState)
    assert told[-1] == ended
    load = [each.last_seen.progress for each in told if each.last_seen and each.last_seen.progress]
    assert max(each.users for each in load) == 3_000
    spent = [
        charged_so_far(each, None if each.last_seen is None else each.last_seen.progress)
        for each in told[:-1]
    ]
    known = [each for each in spent if each is not None]
    assert known[0] == 0
    assert known == sorted(known)


LOOK_S_MAX = 10.0


def failing(_: Run) -> None:
    """A fault of the caller's."""
    raise ZeroDivisionError


@pytest.mark.parametrize("timeout_s", [0.0, 5.0, 60.0])
def test_a_wait_that_drives_keeps_its_time_and_hands_the_run_to_a_controller(
    timeout_s: float, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    began, handed = lab.clock.now(), list[str]()
    wait = waiting_in(lab, handed.append).wait
    with pytest.raises(DriveTimeoutError, match=rf"after {timeout_s:g} s; nobody drives run"):
        wait(run.id, timeout_s=timeout_s, enough=None, callback=None)
    assert (lab.clock.now() - began).total_seconds() <= timeout_s + LOOK_S_MAX
    assert handed == [run.id]
    left = lab.engine.runs.store.load(run.id)
    assert (left.ended, left.cancel_at) == (False, None)
    lab.controller().drive(run.id)


def test_a_callback_that_fails_before_anybody_drives_ends_the_run(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    with pytest.raises(ZeroDivisionError) as raised:
        waiting_in(lab).wait(run.id, timeout_s=60.0, enough=None, callback=failing)
    assert f"run {run.id} was ended on the way out" in raised.value.__notes__[-1]
    assert lab.engine.runs.store.load(run.id).outcome is Outcome.CANCELLED
    assert lab.machines(run) == 0


def test_a_callback_that_fails_says_that_nobody_drives_the_run_it_leaves(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    waiting = waiting_in(lab).wait_async(run.id, timeout_s=9.0, callback=failing)
    with pytest.raises(ZeroDivisionError) as raised:
        asyncio.run(waiting)
    assert f"engine.runs.cancel({run.id!r})" in raised.value.__notes__[-1]
    lab.controller().drive(run.id)


def test_a_local_run_goes_on_in_a_process_of_its_own_when_a_wait_is_over(
    sqlite_url: str, visits: Callable[[float], Scenario], tmp_path: Path
) -> None:
    with Engine(sqlite_url, folder=tmp_path / "runs") as engine:
        engine.accounts.open("acme")
        run = engine.runs.accept(visits(3.0), account="acme")
        with pytest.raises(DriveTimeoutError, match=r"after 1 s; its controller goes on"):
            engine.runs.wait(run.id, timeout_s=1.0)
        assert engine.runs.wait(run.id).outcome is Outcome.COMPLETED


def test_watching_reads_only_and_ends_with_the_run(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    looks = lab.engine.runs.watch(run.id)
    assert next(looks).state is RunState.ACCEPTED
    assert next(looks).state is RunState.ACCEPTED, "nobody drives it, and the watcher does not"
    lab.controller().drive(run.id)
    assert [each.outcome for each in looks] == [Outcome.COMPLETED]


def test_watching_has_a_bound(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    with pytest.raises(DriveTimeoutError, match="still accepted after 3 s") as late:
        list(lab.engine.runs.watch(run.id, timeout_s=3.0))
    # No cloud failed: who retries what a provider failed at does not wait again for ever.
    assert not isinstance(late.value, ProviderFailedError)
    assert late.value.exit_code == ProviderFailedError.exit_code


@pytest.mark.promise("watching-ends-nothing", command="Engine.runs.wait")
def test_a_task_that_is_cancelled_ends_no_run_and_an_unattended_one_gets_a_controller(
    sqlite_url: str, visits: Callable[[float], Scenario], tmp_path: Path
) -> None:
    with Engine(sqlite_url, folder=tmp_path / "runs") as engine:
        engine.accounts.open("acme")
        run = engine.runs.accept(visits(2.0), account="acme")

        async def wait_twice() -> tuple[list[Run], Run]:
            told: list[Run] = []
            first = asyncio.create_task(engine.runs.wait_async(run.id, callback=told.append))
            async for each in engine.runs.watch_async(run.id):
                if each.state is RunState.RUNNING or each.ended:
                    break
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return told, await engine.runs.wait_async(run.id)

        told, ended = asyncio.run(wait_twice())

    assert told[0].state is RunState.ACCEPTED
    assert not told[-1].ended
    assert (ended.outcome, ended.cancel_at) == (Outcome.COMPLETED, None)


def test_a_run_that_has_ended_still_lists_its_machines_and_they_are_gone(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    ended = lab.controller().drive(run.id)
    assert len(ended.machines) == ended.machines_planned == lab.machines_ever(ended)
    assert {each.state for each in ended.machines} == {MachineState.GONE}
    assert lab.machines(run) == 0
