"""Who does not pay: reminded, asked again, suspended, ended, each on its day (C69 to C71)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.independent_model.model.months import day_start, local_day

if TYPE_CHECKING:
    from tests.independent_model.model.account import Account, Subscription

ASKED_DAYS = (3, 7, 14)
SUSPENDED_DAY = 21
ENDED_DAY = 56


@dataclass
class Dunned:
    """What was done.

    Attributes:
        done: Days on which was asked, by the day on which the oldest was due.
        suspended: When the account was suspended, by that day.
    """

    done: set[tuple[datetime, int]] = field(default_factory=set)
    suspended: dict[datetime, datetime] = field(default_factory=dict)


def oldest(account: Account) -> datetime | None:
    """Since when the oldest is owed of what was declined; what waits for a bank is not."""
    found = account.active
    periods = found.unpaid.values() if found else ()
    invoices = [each.invoice for each in periods if each.state == "declined"]
    invoices += [
        run.invoice
        for run in account.money.runs.values()
        if run.state == "declined" and run.invoice is not None
    ]
    return min((each.due_at or each.at for each in invoices), default=None)


def next_step(account: Account, after: datetime, changed: datetime) -> tuple[datetime, int] | None:
    """When what is done next, and for which day; being suspended is made up for, asking is not.

    Args:
        account: Whose.
        after: Up to when all has been done.
        changed: When what is owed last changed; who is suspended late is so from then on.
    """
    due = oldest(account)
    if due is None:
        return None
    key, dunned = _day(account, due, 0), account.dunned
    coming = [
        (at, day)
        for day in ASKED_DAYS
        if (key, day) not in dunned.done and (at := _day(account, due, day)) > after
    ]
    if key not in dunned.suspended:
        coming.append((max(_day(account, due, SUSPENDED_DAY), changed), SUSPENDED_DAY))
    return min(coming, default=None)


def take(account: Account, at: datetime, day: int) -> None:
    """Do what is due on that day."""
    due = oldest(account)
    assert due is not None
    key = _day(account, due, 0)
    if day == SUSPENDED_DAY:
        account.dunned.suspended[key] = at
        return
    account.dunned.done.add((key, day))
    ask_again(account, at)


def ask_again(account: Account, at: datetime) -> None:
    """All that is owed is asked for; what is paid counts from then on."""
    found = account.active
    if found is not None:
        for cycle in sorted(found.unpaid):
            account.ask_cycle(found, cycle, at)
    for run in account.money.runs.values():
        if run.state in {"declined", "delayed"}:
            account.money.answered(run)


def suspended_at(account: Account) -> datetime | None:
    """Since when nothing is run for the account."""
    due = oldest(account)
    return None if due is None else account.dunned.suspended.get(_day(account, due, 0))


def ends(account: Account, subscription: Subscription, at: datetime) -> bool:
    """Whether the billing date ends what was not paid for so long (C71)."""
    suspended = suspended_at(account)
    if suspended is None:
        return False
    if subscription.plan.rolls_over:
        return at >= _day(account, suspended, ENDED_DAY - SUSPENDED_DAY)
    assert subscription.unpaid_since is not None or account.money.overdue_runs
    if subscription.unpaid_since is None:
        return at >= _day(account, suspended, ENDED_DAY - SUSPENDED_DAY)
    return at >= _day(account, subscription.unpaid_since, ENDED_DAY)


def _day(account: Account, since: datetime, days: int) -> datetime:
    """The first instant of the day so many days on, in the account's zone."""
    return day_start(local_day(since, account.zone) + timedelta(days=days), account.zone)
