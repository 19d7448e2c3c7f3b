"""Subscriptions: a plan that an account is on, on the terms of the day on which it began.

A subscription is a row, with its anchor; an account has one running at a time. Being on demand is
one too, that charges and grants nothing by the month. Each period of the others is charged and
granted exactly once, at its start, in one database transaction (R12, R16, R19-R23).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from kernel.errors import RefusedError
from pricing.invoices import issue_for_subscription, period_cause
from pricing.ledger import Posting, Transaction, post
from pricing.lots import Grant, LotKind, grant
from pricing.periods import Anchor, Period, period, period_number
from pricing.plans import Plan
from pricing.quotes import Unit
from pricing.tables import PERIODS, SUBSCRIPTIONS, insert_once

MOST_PERIODS_AT_ONCE = 240
"""Periods that are renewed in one go at most: after twenty years, doubt the clock instead."""


class ClockTooFarAheadError(RefusedError):
    """More periods would be due than anybody leaves unattended; facts: ``account``, ``due``."""

    code = "clock_too_far_ahead"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A plan that an account is on.

    Attributes:
        id: Its number.
        account_id: Whose.
        plan: Name of the plan.
        plan_version: Of which day the terms are.
        monthly_usd_micros: Charged at the start of each period.
        li_minutes: Granted at the start of each period; 0: on demand.
        rollover: Whether what is not used outlives its period (R21).
        anchor: What its periods are counted from.
        first_period: Number of the period in which it began.
        started_at: When it began.
    """

    id: int
    account_id: str
    plan: str
    plan_version: date
    monthly_usd_micros: int
    li_minutes: int
    rollover: bool
    anchor: Anchor
    first_period: int
    started_at: datetime

    @property
    def has_periods(self) -> bool:
        """Whether anything happens by the month."""
        return self.li_minutes > 0

    def period_at(self, instant: datetime) -> Period | None:
        """The billing period that holds ``instant``; None on demand."""
        if not self.has_periods:
            return None
        return period(self.anchor, period_number(self.anchor, instant))


def subscribe(
    conn: Connection, account_id: str, plan: Plan, anchor: Anchor, started_at: datetime
) -> None:
    """Put an account on a plan; its first period is renewed like any other, by ``renew``."""
    conn.execute(
        SUBSCRIPTIONS.insert().values(
            account_id=account_id,
            plan=plan.name,
            plan_version=plan.version,
            monthly_usd_micros=plan.monthly_usd_micros,
            li_minutes=plan.li_minutes,
            rollover=plan.rollover,
            anchor_day=anchor.day,
            timezone=anchor.timezone,
            first_period=period_number(anchor, started_at),
            started_at=started_at,
        )
    )


def running(conn: Connection, account_id: str) -> Subscription:
    """The subscription that an account is on."""
    row = conn.execute(
        select(SUBSCRIPTIONS).where(
            SUBSCRIPTIONS.c.account_id == account_id, SUBSCRIPTIONS.c.ended_at.is_(None)
        )
    ).one()
    return Subscription(
        id=row.id,
        account_id=row.account_id,
        plan=row.plan,
        plan_version=row.plan_version,
        monthly_usd_micros=row.monthly_usd_micros,
        li_minutes=row.li_minutes,
        rollover=row.rollover,
        anchor=Anchor(row.anchor_day, row.timezone),
        first_period=row.first_period,
        started_at=row.started_at,
    )


def renew(conn: Connection, subscription: Subscription, *, now: datetime) -> None:
    """Charge and grant every period that has begun and was not yet renewed.

    Raises:
        ClockTooFarAheadError: If more than ``MOST_PERIODS_AT_ONCE`` are due; nothing was done.
    """
    if not subscription.has_periods:
        return
    latest = conn.execute(
        select(func.max(PERIODS.c.n)).where(PERIODS.c.subscription_id == subscription.id)
    ).scalar_one()
    first = subscription.first_period if latest is None else latest + 1
    due = range(first, period_number(subscription.anchor, now) + 1)
    if len(due) > MOST_PERIODS_AT_ONCE:
        raise ClockTooFarAheadError(
            f"account {subscription.account_id}: {len(due)} periods would be due on"
            f" {now.date()}; check the clock (at most {MOST_PERIODS_AT_ONCE} are renewed at once)",
            account=subscription.account_id,
            due=len(due),
        )
    for n in due:
        _renew_period(conn, subscription, period(subscription.anchor, n), now=now)


def _renew_period(
    conn: Connection, subscription: Subscription, due: Period, *, now: datetime
) -> None:
    """Open one period, charge it, grant it and issue its invoice, unless that has been done."""
    opened = insert_once(
        conn,
        PERIODS,
        ["subscription_id", "n"],
        {
            "subscription_id": subscription.id,
            "n": due.n,
            "starts_at": due.start,
            "ends_at": due.end,
        },
    )
    if opened is None:
        return
    # The first period counts from its first day, but nothing happens before the subscription does.
    at = max(due.start, subscription.started_at)
    cause = period_cause(subscription.id, due.n)
    description = f"{subscription.plan}, {due.first_day} to {due.last_day}"
    if subscription.monthly_usd_micros:
        post(
            conn,
            Transaction(
                account_id=subscription.account_id,
                natural_key=f"{cause}:charge",
                cause=cause,
                description=description,
                effective_at=at,
                recorded_at=now,
                postings=(
                    Posting("receivable", Unit.USD, subscription.monthly_usd_micros),
                    Posting("revenue:subscription", Unit.USD, -subscription.monthly_usd_micros),
                ),
            ),
        )
    grant(
        conn,
        subscription.account_id,
        Grant(
            kind=LotKind.PLAN,
            amount=subscription.li_minutes,
            effective_at=at,
            expires_at=None if subscription.rollover else due.end,
            cause=cause,
            description=description,
        ),
        now=now,
    )
    issue_for_subscription(conn, subscription.id, due.n, at)
