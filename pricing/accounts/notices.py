"""Notices: subscribers are told that their plan will be as it is sold by now (C49).

A plan that is sold at other terms leaves what was bought as it is. Only a notice brings it to those
who have it: from a boundary that is at least 30 days away, which leaves time to go. It is put on
record with each account, so that nothing depends on what the file of plans says later, and the
account shows it from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import BadInputError, LoadmusterError
from pricing.accounts.advance import advance
from pricing.accounts.due_accounts import Transaction, lives_by
from pricing.ledger.author import BegunCommand
from pricing.ledger.command_log import note_command
from pricing.ledger.departments import list_departments
from pricing.payments.gateway import PaymentGateway
from pricing.periods import period, period_number
from pricing.plans.model import Plan
from pricing.subscriptions.changes import (
    Boundary,
    ChangeKind,
    open_changes,
    request_change,
    withdraw,
)
from pricing.subscriptions.subscriptions import Subscription, latest
from pricing.tables import ACCOUNTS, TERMS

NOTICE_DAYS = 30
"""Between a notice and the first boundary at which it may take effect."""


class NoticeTooShortError(BadInputError):
    """Subscribers would be told too late; facts: ``plan``, ``from``, ``earliest``."""

    code = "notice_too_short"


class NoticeGiven(Struct, frozen=True):
    """What an account was told.

    Attributes:
        account_id: Whose.
        at: The boundary from which on the new terms hold.
        usd_micros_before: What the plan costs it a month.
        usd_micros: What it will cost.
        is_new: It was not told before.
        above_grant_li_minutes: By how much its departments' shares exceed the new grant; the
            oldest departments come first then (C31).
    """

    account_id: str
    at: datetime
    usd_micros_before: int
    usd_micros: int
    is_new: bool
    above_grant_li_minutes: int


def give_notice(
    transaction: Transaction,
    plan: Plan,
    *,
    first: datetime | None = None,
    now: datetime,
    is_test: bool | None = None,
    gateway: PaymentGateway,
) -> Iterator[NoticeGiven | LoadmusterError]:
    """Tell everybody on an earlier version of a plan that it will be as it is sold by now.

    Each account is told in a transaction of its own; told again, nothing happens. Who is leaving
    the plan is told too, and is not on it any more when it comes to that. Who has just gone on
    demand is not.

    Args:
        transaction: Opens a write transaction.
        plan: As it is sold now.
        first: No boundary before is taken; None: 30 days from now.
        now: The command's instant.
        is_test: Whether ``now`` is a test clock's; accounts of the other clock are left out.
        gateway: Collects what is due by now.

    Returns:
        Whom it concerns and from when on; the error of an account that could not be told.

    Raises:
        NoticeTooShortError: If ``first`` is sooner than that.
        BadInputError: If the plan has no months.
    """
    earliest = now + timedelta(days=NOTICE_DAYS)
    if first is not None and first < earliest:
        raise NoticeTooShortError(
            f"plan {plan.name}: subscribers are told {NOTICE_DAYS} days before; from"
            f" {earliest.date()} on would be right, not {first.date()}",
            plan=plan.name,
            earliest=earliest.date().isoformat(),
        )
    if not plan.has_periods:
        raise BadInputError(
            f"plan {plan.name} has no months, so that nobody has it at earlier terms",
            plan=plan.name,
        )
    with transaction() as conn:
        ids = _subscribers(conn, plan.name, is_test=is_test)
    for account_id in ids:
        try:
            with transaction() as conn:
                told = _tell(conn, account_id, plan, first or earliest, now=now, gateway=gateway)
        except LoadmusterError as error:
            yield error
            continue
        if told is not None:
            yield told


def _subscribers(conn: Connection, plan: str, *, is_test: bool | None) -> tuple[str, ...]:
    """Whoever is on a plan of that name."""
    ids = (
        select(TERMS.c.account_id)
        .join(ACCOUNTS, ACCOUNTS.c.id == TERMS.c.account_id)
        .where(TERMS.c.plan == plan, TERMS.c.ended_at.is_(None), lives_by(is_test=is_test))
        .order_by(TERMS.c.account_id)
    )
    return tuple(conn.execute(ids).scalars())


def _tell(
    conn: Connection,
    account_id: str,
    plan: Plan,
    first: datetime,
    *,
    now: datetime,
    gateway: PaymentGateway,
) -> NoticeGiven | None:
    instant = advance(conn, account_id, now, gateway=gateway)
    subscription = latest(conn, account_id)
    if not subscription.has_periods or subscription.plan.name != plan.name:
        return None
    coming = plan.with_as_many_credits(subscription.plan)
    if coming == subscription.plan:
        return None
    earlier = open_changes(conn, subscription.id).get(ChangeKind.NEW_TERMS)
    if earlier is not None and earlier.plan == coming:
        assert earlier.effective_at is not None, "a notice has a date"
        return _given(conn, subscription, coming, earlier.effective_at, is_new=False)
    withdraw(conn, subscription.id, ChangeKind.NEW_TERMS, instant)
    boundary = _first_boundary(subscription, first)
    request_change(
        conn,
        account_id,
        subscription.id,
        ChangeKind.NEW_TERMS,
        plan=coming,
        boundary=boundary,
        now=instant,
    )
    sent = {"plan": coming.name, "version": coming.version.isoformat()}
    note_command(conn, account_id, BegunCommand("notice", sent), at=instant)
    return _given(conn, subscription, coming, boundary.at, is_new=True)


def _first_boundary(subscription: Subscription, first: datetime) -> Boundary:
    """The first period's start that is not before an instant."""
    n = period_number(subscription.anchor, first)
    if period(subscription.anchor, n).start < first:
        n += 1
    return Boundary(period(subscription.anchor, n).start, n)


def _given(
    conn: Connection, subscription: Subscription, coming: Plan, at: datetime, *, is_new: bool
) -> NoticeGiven:
    account_id = subscription.account_id
    shared = sum(each.allocation_li_minutes for each in list_departments(conn, account_id))
    return NoticeGiven(
        account_id=account_id,
        at=at,
        usd_micros_before=subscription.plan.monthly_usd_micros,
        usd_micros=coming.monthly_usd_micros,
        is_new=is_new,
        above_grant_li_minutes=max(shared - coming.li_minutes, 0),
    )
