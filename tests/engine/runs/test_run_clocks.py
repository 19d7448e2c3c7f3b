"""A run lives by its account's clock: the other one neither drives it, nor keeps its machines."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from engine.api import Engine
from engine.runs.model.states import Outcome, Run, RunState
from engine.scenario import Scenario
from kernel.clock import Clock, StartingClock, SystemClock
from pricing.accounts.clock import WrongClockError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.runs.conftest import Lab, Stage

LATER = StartingClock(datetime(2029, 5, 1, 10, tzinfo=UTC))
REAL = SystemClock()
DRIVES: dict[str, Callable[[Engine, str], object]] = {
    "cancel": lambda e, run_id: e.runs.cancel(run_id),
    "drive": lambda e, run_id: e.runs.drive(run_id),
    "wait": lambda e, run_id: e.runs.wait(run_id, timeout_s=5.0),
    "wait for, in a loop": lambda e, run_id: asyncio.run(e.runs.wait_async(run_id, timeout_s=9.0)),
    "detach": lambda e, run_id: e.runs.detach(run_id),
}


def never() -> bool:
    return False


def served(engine: Engine, said: list[str]) -> Counter[str]:
    return engine.serving.serve(stop_wanted=never, at_once=2, until_idle=True, say=said.append)


def driven_until(stage: Stage, run: Run, state: RunState) -> None:
    """Leave the run open, with its machines, as a controller does that is told to stop."""
    controller = stage.controller()
    controller.stop_wanted = lambda: stage.engine.runs.store.load(run.id).state is state
    assert controller.drive(run.id).state is state
    assert stage.machines(run) > 0


@pytest.mark.parametrize(
    ("own", "other", "word"),
    [(REAL, LATER, "without"), (LATER, REAL, "with")],
    ids=["real", "test"],
)
def test_nobody_drives_a_run_by_the_clock_that_its_account_does_not_live_by(
    own: Clock, other: Clock, word: str, database_url: str, checkout: Scenario, tmp_path: Path
) -> None:
    with (
        Engine(database_url, clock=own, folder=tmp_path, environment={}) as engine,
        Engine(database_url, clock=other, folder=tmp_path, environment={}) as wrong,
    ):
        engine.accounts.open("acme")
        run = engine.runs.accept(
            checkout, account="acme", provider="aws", dry_run=True, time_scale=2000.0
        )
        said: list[str] = []
        assert served(wrong, said) == Counter()
        assert [
            line for line in said if f": 1, left alone; `loadmuster serve` {word} --now" in line
        ]
        for drive in DRIVES.values():
            with pytest.raises(WrongClockError, match="--now"):
                drive(wrong, run.id)
        assert engine.runs.store.load(run.id) == run
        assert len(engine.runs.store.timeline(run.id)) == 1
        said.clear()
        assert served(engine, said)["completed"] == 1
        assert not [line for line in said if "left alone" in line]


def test_machines_of_a_test_clock_s_run_are_released_under_the_real_one(
    lab: Lab, checkout: Scenario, sqlite_url: str
) -> None:
    run = lab.accept(checkout)
    driven_until(lab, run, RunState.STARTING)
    left_at = lab.clock.now()
    with Engine(
        sqlite_url, folder=lab.engine.runs.folder, rehearsal_url=lab.rehearsal.endpoint_url
    ) as real:
        assert served(real, [])["taken"] == 0
        with pytest.raises(WrongClockError, match="--now"):
            real.runs.drive(run.id)
        ended = real.runs.cancel(run.id)
    assert ended.outcome is Outcome.CANCELLED
    assert lab.machines(run) == 0
    assert ended.ended_at is not None
    assert timedelta() <= ended.ended_at - left_at < timedelta(hours=1)
    told = [event.at for event in lab.engine.runs.store.timeline(run.id)]
    assert told == sorted(told)
    (invoice,) = lab.engine.reports.invoices("acme")
    assert invoice.issued_at == ended.ended_at


def test_machines_of_a_run_of_the_real_clock_are_released_under_a_test_clock(
    here: Stage, visits: Callable[[float], Scenario], sqlite_url: str
) -> None:
    run = here.accept(visits(60.0), provider="local", users=5)
    driven_until(here, run, RunState.STARTING)
    with Engine(sqlite_url, folder=here.engine.runs.folder, clock=LATER) as ahead:
        ended = ahead.runs.cancel(run.id)
    assert ended.outcome is Outcome.CANCELLED
    assert here.machines(run) == 0
    assert ended.ended_at is not None
    assert run.order.accepted_at < ended.ended_at <= REAL.now()
