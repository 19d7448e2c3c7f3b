"""The host's clock steps back in the middle of commands: the books go forward all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kernel.clock import ManualClock
from tests.independent_model.model.catalogue import as_toml
from tests.independent_model.model.story import Opening, Step
from tests.independent_model.product.desk import ACCOUNT, Desk

NOON = datetime.fromisoformat("2027-01-25T12:00:00+00:00")
BACK = timedelta(hours=3)


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
