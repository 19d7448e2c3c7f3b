"""The dunning schedule as a pure function: which step comes next, and from when on it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pricing.plans.dunning import DueStep, Dunning, Step, StepKind, ends_at, next_step

PARIS = ZoneInfo("Europe/Paris")
DUE = datetime(2027, 3, 24, 23, tzinfo=UTC)
"""The 25th of March begins in Paris; the clocks go forward on the 28th."""


def at(day: int, month: int = 4, hour: int = 22) -> datetime:
    """An instant in UTC; by summer time a day begins at 22:00 there."""
    return datetime(2027, month, day, hour, tzinfo=UTC)


def walked(schedule: Dunning, after: datetime = DUE) -> list[tuple[datetime, str]]:
    """All steps of somebody who never pays, told one after the other."""
    taken: list[Step] = []
    told = []
    while (due := next_step(schedule, DUE, taken, zone=PARIS, after=after)) is not None:
        taken.append(due.step)
        told.append((due.at, due.step.kind.value))
    return told


def test_each_step_is_due_as_its_day_begins_in_the_accounts_zone() -> None:
    assert walked(Dunning()) == [
        (at(25, 3, 23), "reminded"),
        (at(27, 3, 23), "asked"),
        (at(31, 3), "asked"),
        (at(7), "asked"),
        (at(14), "suspended"),
    ]


def test_on_one_day_the_gateway_is_asked_before_anybody_is_told() -> None:
    schedule = Dunning(reminded_days=(3, 3), asked_again_days=(3,), suspended_day=None)
    assert walked(schedule) == [(at(27, 3, 23), "asked"), (at(27, 3, 23), "reminded")]


def test_what_nobody_could_do_in_time_is_left_out_but_who_owes_is_suspended_late() -> None:
    assert walked(Dunning(), after=at(5)) == [(at(7), "asked"), (at(14), "suspended")]
    assert walked(Dunning(), after=at(20)) == [(at(20), "suspended")]
    assert next_step(Dunning(), DUE, [], zone=PARIS, after=at(20)) == DueStep(
        at(20), Step(21, StepKind.SUSPENDED)
    )


def test_nobody_is_ended_who_was_not_suspended_for_as_long_as_the_schedule_says() -> None:
    schedule = Dunning()
    assert ends_at(schedule, DUE, None, zone=PARIS) is None
    assert ends_at(schedule, DUE, at(14), zone=PARIS) == at(19, 5)
    assert ends_at(schedule, DUE, at(20), zone=PARIS) == at(25, 5)
    assert ends_at(schedule, DUE, at(14), zone=PARIS, unpaid_since=at(1, 3, 23)) == at(26)


def test_a_schedule_may_leave_out_to_suspend_or_to_end() -> None:
    assert ends_at(Dunning(suspended_day=None), DUE, None, zone=PARIS) == at(19, 5)
    assert ends_at(Dunning(ended_day=None), DUE, at(14), zone=PARIS) is None
