"""The host's clock steps back in the middle of commands: the books go forward all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.runs.model.states import Outcome
from kernel.clock import ManualClock
from tests.independent_model.model.catalogue import as_toml
from tests.independent_model.model.story import Opening, Step
from tests.independent_model.product.desk import ACCOUNT, Desk

NOON = datetime.fromisoformat("2027-01-25T12:00:00+00:00")
BACK = timedelta(hours=3)
RUN = Step(do="run", injectors=2, users=2, duration_s=600)


class SteppingClock(ManualClock):
    """Steps back by hours at one of its readings, as a host does that asks for the time late."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.reads = 0
        self.steps_at = 0

    def now(self) -> datetime:
        self.reads += 1
        if self.reads == self.steps_at:
            self._now -= BACK
        return super().now()


Opened = Callable[[str, str], Desk]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """An account of a plan, on a clock that may step back."""
    plans = tmp_path / "plans.toml"
    plans.write_text(as_toml(), encoding="utf-8")

    def open_desk(url: str, plan: str) -> Desk:
        opening = Opening(at=NOON, timezone="UTC", plan=plan)
        desk = Desk(url, tmp_path / "runs", plans, opening, clock=SteppingClock(NOON))
        assert desk.open() == ""
        desk.clock.sleep(60)
        return desk

    return open_desk


def _live(desk: Desk, name: str, how: str) -> None:
    """A whole run, accepted a minute after the account was dealt with."""
    assert desk.reserve(name, RUN) == ""
    desk.start(name, "")
    desk.end(name, how)


@pytest.mark.parametrize("plan", ["starter", "on-demand"])
@pytest.mark.parametrize("how", ["complete", "cancel"])
def test_a_run_is_charged_once_wherever_the_clock_steps_back(
    opened: Opened, database_url: str, plan: str, how: str
) -> None:
    desk = opened(database_url, plan)
    clock = desk.clock
    assert isinstance(clock, SteppingClock)
    before = clock.reads
    _live(desk, "calm", how)
    looks = clock.reads - before
    assert looks > 10
    # Readings one to a few of each phase; the first is the acceptance's own.
    for number, reading in enumerate(range(2, looks, 6)):
        clock.sleep(BACK.total_seconds() + 3_600)
        assert desk.reserve(f"run-{number}", RUN) == ""
        clock.steps_at = clock.reads + reading
        desk.start(f"run-{number}", "")
        desk.end(f"run-{number}", how)
        run = desk.engine.runs.store.load(f"run-{number}")
        assert run.ended, reading
        bill, quote = desk.engine.runs.show(run.id).bill, run.order.quote
        assert bill is not None
        if run.outcome is Outcome.FAILED:
            # The simulated cloud lives by the same clock, and has not launched its machines yet.
            assert (bill.startup, bill.use) == (0, 0)
        else:
            assert bill.startup == quote.startup
            assert bill.use == quote.use or run.outcome is Outcome.CANCELLED
    clock.steps_at = 0
    clock.sleep(BACK.total_seconds() + 3_600)
    written = desk.engine.reports.ledger(ACCOUNT)
    instants = [each.effective_at for each in written]
    assert instants == sorted(instants)
    assert desk.engine.db.check() == ()
    desk.close()


def test_a_command_behind_the_last_one_is_refused_in_a_line_and_leaves_nothing(
    opened: Opened, database_url: str
) -> None:
    desk = opened(database_url, "starter")
    assert desk.do(Step(do="boost"))[0] == ""
    before = desk.engine.reports.ledger(ACCOUNT)
    clock = desk.clock
    assert isinstance(clock, SteppingClock)
    for do in ("boost", "to-on-demand", "cancel", "extra-credits", "add-department"):
        clock.steps_at = clock.reads + 1
        code, _ = desk.do(Step(do=do, department="qa" if do == "add-department" else ""))
        assert code == "clock_backwards", do
        clock.sleep(BACK.total_seconds())
    clock.steps_at = 0
    assert desk.engine.reports.ledger(ACCOUNT) == before
    assert desk.do(Step(do="boost"))[0] == ""
    assert desk.engine.db.check() == ()
    desk.close()
