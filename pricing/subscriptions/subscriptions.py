"""Subscriptions: a life on plans, with one anchor, whose periods are charged and granted once each.

A subscription begins when a plan is activated and lasts through upgrades and downgrades until it
is cancelled; the plan itself is in its terms, which change. An account has one running at a time.
Being on demand is one too, that charges and grants nothing by the month. Each period of the others
is charged and granted exactly once, at its start, in one database transaction (R12, R16, R19-R23):
the natural key is the subscription and the number of the period, whatever the plan.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, bindparam, func, select

from kernel.errors import RefusedError
from kernel.words import counted
from pricing.ledger.allocations import share_out
from pricing.ledger.invoices import period_cause
from pricing.ledger.issuing import issue_for_subscription
from pricing.ledger.ledger import Posting, Transaction, post_all
from pricing.ledger.lots import Grant, LotKind, create_lot
from pricing.ledger.taxed import charge_key, gross_of, taxed
from pricing.payments.collecting import abandon, collect, payment_entries
from pricing.payments.gateway import Answer, PaymentGateway, PaymentState
from pricing.periods import Anchor, Period, period, period_number
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit
from pricing.subscriptions.terms import (
    TERMS_COLUMNS,
    Terms,
    begin_terms,
    end_terms,
    joined_terms,
)
from pricing.subscriptions.unpaid_invoices import issue_anew, issue_unpaid, take_back_unpaid
from pricing.tables import PERIODS, SUBSCRIPTIONS, TERMS, insert_once

MOST_PERIODS_AT_ONCE = 240
"""Periods that are renewed in one go at most: after twenty years, doubt the clock instead."""


LATEST = (
    select(SUBSCRIPTIONS, *TERMS_COLUMNS)
    .join(TERMS, TERMS.c.account_id == SUBSCRIPTIONS.c.account_id)
    .where(SUBSCRIPTIONS.c.account_id == bindparam("account_id"))
    .order_by(SUBSCRIPTIONS.c.id.desc(), TERMS.c.id.desc())
    .limit(1)
)
"""The subscription that an account is on, or was on last, with its terms; given ``account_id``."""

_LAST_PERIOD = select(func.max(PERIODS.c.n)).where(PERIODS.c.subscription_id == bindparam("of"))
_MARK = PERIODS.update().where(
    PERIODS.c.subscription_id == bindparam("of"), PERIODS.c.n == bindparam("number")
)


class ClockTooFarAheadError(RefusedError):
    """More periods would be due than anybody leaves unattended; facts: ``account``, ``due``."""

    code = "clock_too_far_ahead"


class PeriodPayment(StrEnum):
    """Whether a period has been paid, and so granted; an abandoned one never will be."""

    PAID = "paid"
    UNPAID = "unpaid"
    ABANDONED = "abandoned"


class Subscription(Struct, frozen=True, gc=False):
    """A life on plans.

    Attributes:
        id: Its number.
        account_id: Whose.
        anchor: What its periods are counted from; kept through every change of plan (R41).
        first_period: Number of the period in which it began.
        started_at: When it began.
        ended_at: When it ended; None: it is running.
        terms: The plan that it is on, or was on last.
        undone_from: Numbers of the periods from which on what was booked too early was undone.
    """

    id: int
    account_id: str
    anchor: Anchor
    first_period: int
    started_at: datetime
    ended_at: datetime | None
    terms: Terms
    undone_from: tuple[int, ...] = ()

    @property
    def plan(self) -> Plan:
        """The plan that it is on, as it was sold."""
        return self.terms.plan

    @property
    def has_periods(self) -> bool:
        """Whether anything happens by the month."""
        return self.ended_at is None and self.plan.has_periods

    def cause_of(self, n: int) -> str:
        """The cause that its n-th period is booked under."""
        return period_cause(self.id, n, self.undone_from)

    def period_at(self, instant: datetime) -> Period | None:
        """The billing period that holds ``instant``; the trial's 14 days; None on demand."""
        if self.ended_at is not None:
            return None
        return period_under(self.plan, self.anchor, self.started_at, instant)


def period_under(
    plan: Plan, anchor: Anchor, started_at: datetime, instant: datetime
) -> Period | None:
    """The billing period that holds ``instant`` on a plan; None: it has none.

    Args:
        plan: The plan.
        anchor: The subscription's.
        started_at: When the subscription began.
        instant: Within it.
    """
    if not plan.is_subscription:
        return None
    if plan.trial_days is None:
        return period(anchor, period_number(anchor, instant))
    # So many times 24 hours, whatever the clocks do in between (C17).
    end = started_at + timedelta(days=plan.trial_days)
    return Period(
        n=period_number(anchor, started_at),
        start=started_at,
        end=end,
        first_day=started_at.astimezone(anchor.zone).date(),
        last_day=(end - timedelta.resolution).astimezone(anchor.zone).date(),
    )


def subscribe(
    conn: Connection, account_id: str, plan: Plan, anchor: Anchor, started_at: datetime
) -> None:
    """Put an account that has no running subscription on a plan.

    Its first period is charged and granted like any other, when the books are advanced.
    """
    subscription_id = conn.execute(
        SUBSCRIPTIONS.insert()
        .values(
            account_id=account_id,
            anchor_day=anchor.day,
            timezone=anchor.timezone,
            first_period=period_number(anchor, started_at),
            started_at=started_at,
        )
        .returning(SUBSCRIPTIONS.c.id)
    ).scalar_one()
    begin_terms(conn, account_id, subscription_id, plan, started_at)


def end_subscription(conn: Connection, subscription: Subscription, at: datetime) -> None:
    """The subscription and its terms are over."""
    end_terms(conn, subscription.account_id, at)
    conn.execute(
        SUBSCRIPTIONS.update().where(SUBSCRIPTIONS.c.id == subscription.id).values(ended_at=at)
    )


def running(conn: Connection, account_id: str) -> Subscription | None:
    """The subscription that an account is on; None: it has been cancelled."""
    subscription = latest(conn, account_id)
    return subscription if subscription.ended_at is None else None


def latest(conn: Connection, account_id: str) -> Subscription:
    """The subscription that an account is on, or was on last."""
    row = conn.execute(LATEST, {"account_id": account_id}).one()
    return subscription_of(row, joined_terms(row))


def subscription_of(row: Row[Any], terms: Terms) -> Subscription:
    """The subscription of a row of its table, on these terms."""
    return Subscription(
        id=row.id,
        account_id=row.account_id,
        anchor=Anchor(row.anchor_day, row.timezone),
        first_period=row.first_period,
        started_at=row.started_at,
        ended_at=row.ended_at,
        terms=terms,
        undone_from=tuple(row.undone_from or ()),
    )


def due_periods(conn: Connection, subscription: Subscription, now: datetime) -> range:
    """The numbers of the periods that have begun and were not opened yet.

    Raises:
        ClockTooFarAheadError: If they are more than ``MOST_PERIODS_AT_ONCE``.
    """
    due = periods_after(subscription, last_opened(conn, subscription.id), now)
    if len(due) > MOST_PERIODS_AT_ONCE:
        raise ClockTooFarAheadError(
            f"account {subscription.account_id}: {counted(len(due), 'period')} would be due on"
            f" {now.date()}; check the clock (at most {MOST_PERIODS_AT_ONCE} are renewed at once)",
            account=subscription.account_id,
            due=len(due),
        )
    return due


def periods_after(subscription: Subscription, opened: int | None, now: datetime) -> range:
    """The numbers of the periods that have begun by then, after the last that was opened."""
    first = subscription.first_period if opened is None else opened + 1
    return range(first, period_number(subscription.anchor, now) + 1)


def last_opened_of(subscription_id: ColumnElement[Any]) -> ScalarSelect[int]:
    """The number of the last period that was opened, for a statement that has the subscription."""
    last = select(func.max(PERIODS.c.n)).where(PERIODS.c.subscription_id == subscription_id)
    return last.correlate_except(PERIODS).scalar_subquery()


def last_opened(conn: Connection, subscription_id: int) -> int | None:
    """The number of the last period that was opened, paid or not; None: none was."""
    number: int | None = conn.execute(_LAST_PERIOD, {"of": subscription_id}).scalar_one()
    return number


def open_period(
    conn: Connection,
    subscription: Subscription,
    n: int,
    *,
    gateway: PaymentGateway,
    now: datetime,
    purpose: str | None = None,
) -> None:
    """Open a period, charge it, and if it could be paid grant it, unless that has been done.

    A payment that fails leaves the period open and unpaid: no new grant, and the lots of earlier
    periods stay usable (C24). A ``purpose`` is what a buyer's payment is known by who waits for it.
    """
    due = period(subscription.anchor, n)
    opened = {
        "subscription_id": subscription.id,
        "n": n,
        "starts_at": due.start,
        "ends_at": due.end,
        "payment": PeriodPayment.UNPAID,
    }
    if insert_once(conn, PERIODS, ["subscription_id", "n"], opened):
        at = opens_at(subscription, due)
        pay_period(conn, subscription, n, gateway=gateway, at=at, now=now, purpose=purpose)


def owed_periods(conn: Connection, subscription: Subscription) -> tuple[int, ...]:
    """The numbers of the periods that can be paid for, oldest first.

    None once the account is on demand, since they will be void; an undo brings them back.
    """
    return unpaid_periods(conn, subscription.id) if subscription.has_periods else ()


def unpaid_periods(conn: Connection, subscription_id: int) -> tuple[int, ...]:
    """The numbers of the periods whose payment failed, oldest first."""
    rows = conn.execute(
        select(PERIODS.c.n)
        .where(
            PERIODS.c.subscription_id == subscription_id,
            PERIODS.c.payment == PeriodPayment.UNPAID,
        )
        .order_by(PERIODS.c.n)
    )
    return tuple(rows.scalars())


def pay_period(
    conn: Connection,
    subscription: Subscription,
    n: int,
    *,
    gateway: PaymentGateway,
    at: datetime,
    now: datetime,
    purpose: str | None = None,
) -> Answer:
    """Collect an unpaid period's price and, if that succeeds, charge and grant it at ``at``.

    With a ``purpose`` the buyer waits: the payment is known by it, and given up without an answer.
    """
    cause = subscription.cause_of(n)
    price = subscription.plan.monthly_usd_micros
    if price:
        price = gross_of(conn, subscription.account_id, cause, price, at=at)
        answer = collect(
            conn,
            subscription.account_id,
            cause,
            price,
            gateway=gateway,
            now=now,
            purpose=purpose,
        )
        if answer.state is not PaymentState.ACCEPTED:
            due = period(subscription.anchor, n)
            issue_unpaid(conn, taxed(conn, charge_of(subscription, due, at=at, now=now)))
            return answer
    book_period(conn, subscription, n, at=at, now=now)
    return Answer(PaymentState.ACCEPTED)


def book_period(
    conn: Connection, subscription: Subscription, n: int, *, at: datetime, now: datetime
) -> None:
    """Write down that a period has been paid: charge, grant, invoice."""
    cause, due = subscription.cause_of(n), period(subscription.anchor, n)
    given = grant_of(subscription, due, at=at)
    filling = create_lot(conn, subscription.account_id, given, now=now)
    entries = [filling]
    if subscription.plan.monthly_usd_micros:
        charge = taxed(conn, charge_of(subscription, due, at=at, now=now))
        paid = payment_entries(conn, cause, charge.description, at=at, now=now)
        entries = [charge, *paid, filling]
    post_all(conn, [each for each in entries if each is not None])
    share_out(conn, subscription.account_id, cause, at=at, now=now)
    if at > opens_at(subscription, due):
        issue_anew(conn, cause, at=at)
    issue_for_subscription(conn, cause, at)
    _mark(conn, subscription.id, n, PeriodPayment.PAID)


def opens_at(subscription: Subscription, due: Period) -> datetime:
    """When a period's charge and grant count, if they are paid in time.

    The first period counts from its first day, but nothing happens before it was bought.
    """
    return max(due.start, subscription.started_at)


def grant_of(subscription: Subscription, due: Period, *, at: datetime) -> Grant:
    """What a period grants once it has been paid."""
    plan = subscription.plan
    return Grant(
        kind=LotKind.PLAN,
        amount=plan.li_minutes,
        effective_at=at,
        expires_at=None if plan.rollover else due.end,
        cause=subscription.cause_of(due.n),
        description=_description(subscription, due),
    )


def charge_of(
    subscription: Subscription, due: Period, *, at: datetime, now: datetime
) -> Transaction:
    """A period's price, of a plan that has one."""
    cause, usd_micros = subscription.cause_of(due.n), subscription.plan.monthly_usd_micros
    return Transaction(
        account_id=subscription.account_id,
        natural_key=charge_key(cause),
        cause=cause,
        description=_description(subscription, due),
        effective_at=at,
        recorded_at=now,
        postings=(
            Posting("receivable", Unit.USD, usd_micros),
            Posting("revenue:subscription", Unit.USD, -usd_micros),
        ),
    )


def _description(subscription: Subscription, due: Period) -> str:
    return f"{subscription.plan.name}, {due.first_day} to {due.last_day}"


def abandon_unpaid(conn: Connection, subscription: Subscription, *, at: datetime) -> None:
    """Never collect what was not paid: what it would have granted is void, and so its invoice.

    Args:
        conn: An open write transaction; the books are locked.
        subscription: Whose periods.
        at: From when on they are void.
    """
    for n in unpaid_periods(conn, subscription.id):
        abandon(conn, subscription.cause_of(n))
        take_back_unpaid(conn, subscription.cause_of(n), at=at)
        _mark(conn, subscription.id, n, PeriodPayment.ABANDONED)


def _mark(conn: Connection, subscription_id: int, n: int, payment: PeriodPayment) -> None:
    conn.execute(_MARK, {"of": subscription_id, "number": n, "payment": payment})
