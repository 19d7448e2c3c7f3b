"""The dunning schedule: what is done, and on which day, with an account that does not pay (C69).

It is an attribute of a plan, so that it is sold with it, dated, and kept as it was bought. Days are
whole days after the due date, in the account's time zone; a step is due as its day begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from pricing.periods import first_instant


class StepKind(StrEnum):
    """What is done.

    REMINDED: the account is told what it owes.
    ASKED: the payment gateway is asked again for all of it.
    SUSPENDED: no run starts before it is paid (C70).
    ENDED: the subscription ends, at a billing date (C71).
    """

    REMINDED = "reminded"
    ASKED = "asked"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Step(Struct, frozen=True, order=True):
    """Something that is done on a day after the due date."""

    day: int
    kind: StepKind


class Dunning(Struct, frozen=True, forbid_unknown_fields=True):
    """When what is done with who does not pay.

    Attributes:
        reminded_days: The account is told.
        asked_again_days: The gateway is asked again, and the account is told if that was in vain.
        suspended_day: No run starts from then on; None: that is left out.
        ended_day: The subscription ends at the first billing date from then on; None: never.
    """

    reminded_days: tuple[int, ...] = (1,)
    asked_again_days: tuple[int, ...] = (3, 7, 14)
    suspended_day: int | None = 21
    ended_day: int | None = 56

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is done between due date and end, the first first; an end is no day's, but a date's.

        On one day the gateway is asked before anybody is told.
        """
        days = [Step(day, StepKind.ASKED) for day in self.asked_again_days]
        days += [Step(day, StepKind.REMINDED) for day in self.reminded_days]
        if self.suspended_day is not None:
            days.append(Step(self.suspended_day, StepKind.SUSPENDED))
        return tuple(sorted(set(days)))


class DueStep(Struct, frozen=True):
    """A step and the instant at which it is due."""

    at: datetime
    step: Step


def day_after(due_at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The first instant of the local day that comes so many days after a due date."""
    return first_instant(due_at.astimezone(zone).date() + timedelta(days=days), zone)


def next_step(
    schedule: Dunning,
    due_at: datetime,
    taken: Iterable[Step],
    *,
    zone: ZoneInfo,
    after: datetime,
    earliest: datetime | None = None,
) -> DueStep | None:
    """The step that comes next for what has been owed since a due date.

    What was due by ``after`` has been taken, or fell on a time when nothing was owed, and is left
    out; but who still owes is suspended, if late.

    Args:
        schedule: When what is done.
        due_at: Since when the oldest is owed.
        taken: What was done about it.
        zone: The account's.
        after: Up to when everything has been done.
        earliest: Who is suspended late is so from then on at the earliest, since what is owed was
            another before; None: from ``after`` on.

    Returns:
        The step and its instant, which is not before ``after``; None: none is left but an end.
    """
    done, earliest = set(taken), earliest or after
    coming = []
    for step in schedule.steps:
        at = day_after(due_at, step.day, zone)
        if step in done or (at <= after and step.kind is not StepKind.SUSPENDED):
            continue
        coming.append(DueStep(max(at, earliest), step))
    return min(coming, key=lambda each: (each.at, each.step), default=None)


def ends_at(
    schedule: Dunning,
    due_at: datetime,
    suspended_at: datetime | None,
    *,
    zone: ZoneInfo,
    unpaid_since: datetime | None = None,
) -> datetime | None:
    """From when on a billing date ends the subscription of who owes since a due date.

    Nobody is ended who was not suspended before, and told, if the schedule suspends at all: who was
    suspended late has as many days from then. Without rollover what is owed is void with its cycle
    (C67); days are counted from the first cycle of those that were not paid one after the other.

    Args:
        schedule: When what is done.
        due_at: Since when the oldest is owed.
        suspended_at: When that was suspended; None: it is not.
        zone: The account's.
        unpaid_since: Without rollover: when the first of those cycles was due.

    Returns:
        The instant; None: it is not to be ended, or not before it is suspended.
    """
    if schedule.ended_day is None:
        return None
    if schedule.suspended_day is None:
        return day_after(due_at, schedule.ended_day, zone)
    if suspended_at is None:
        return None
    if unpaid_since is not None:
        return day_after(unpaid_since, schedule.ended_day, zone)
    return day_after(suspended_at, schedule.ended_day - schedule.suspended_day, zone)
