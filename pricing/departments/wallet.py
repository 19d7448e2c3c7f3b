"""Wallets: what a department's runs may cost in money, month by month (R69, R72, R76).

The month is the account's billing cycle; an account on demand has none, and goes by the calendar
month in its zone (C8). Until a switch to on-demand is settled at the boundary the month is the
cycle in which it was made (C48): going there and back gives no department its limit anew. A run
counts in the month in which it starts, whenever it is corrected. A
run that has been accepted and not started counts in whatever month it is, since it may start then:
so the limit holds for every month, whatever waits for whatever boundary.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, literal, select

from pricing.ledger.departments import Department
from pricing.ledger.invoices import REVENUE
from pricing.ledger.reservations import ReservationState
from pricing.periods import Anchor, Period, period, period_number
from pricing.plans.quotes import Unit
from pricing.subscriptions.changes import ChangeKind, open_changes
from pricing.subscriptions.subscriptions import Subscription, latest, period_under
from pricing.tables import DEPARTMENT_RUNS, POSTINGS, RESERVATIONS, TRANSACTIONS


class Wallet(Struct, frozen=True):
    """A department's money in one month.

    Attributes:
        period: The month.
        limit_usd_micros: What its runs may cost.
        spent_usd_micros: What those that started in it cost, after corrections.
        reserved_usd_micros: What those will cost that have not started.
    """

    period: Period
    limit_usd_micros: int
    spent_usd_micros: int
    reserved_usd_micros: int

    @property
    def available_usd_micros(self) -> int:
        """What one more run may cost at most; to reach the limit is allowed (C13)."""
        return max(self.limit_usd_micros - self.spent_usd_micros - self.reserved_usd_micros, 0)


def wallet_of(conn: Connection, department: Department, at: datetime) -> Wallet:
    """A department's wallet in the month that holds ``at``."""
    month = spending_month(conn, department.account_id, at)
    return Wallet(
        period=month,
        limit_usd_micros=department.limit_usd_micros,
        spent_usd_micros=_spent(conn, department, month),
        reserved_usd_micros=_reserved(conn, department),
    )


def spending_month(conn: Connection, account_id: str, at: datetime) -> Period:
    """The account's billing cycle; where it has none, the calendar month in its zone."""
    subscription = latest(conn, account_id)
    cycle = subscription.period_at(at)
    if cycle is None and subscription.ended_at is None:
        cycle = _cycle_of_the_switch(conn, subscription, at)
    if cycle is not None:
        return cycle
    calendar = Anchor(subscription.anchor.day.replace(day=1), subscription.anchor.timezone)
    return period(calendar, period_number(calendar, at))


def _cycle_of_the_switch(
    conn: Connection, subscription: Subscription, at: datetime
) -> Period | None:
    """The cycle in which the account went on demand, as long as that can be undone."""
    switch = open_changes(conn, subscription.id).get(ChangeKind.ON_DEMAND)
    if switch is None or switch.plan is None:
        return None
    return period_under(switch.plan, subscription.anchor, subscription.started_at, at)


def _spent(conn: Connection, department: Department, month: Period) -> int:
    earned = (
        select(-func.coalesce(func.sum(POSTINGS.c.amount), 0))
        .select_from(DEPARTMENT_RUNS)
        .join(RESERVATIONS, RESERVATIONS.c.run_id == DEPARTMENT_RUNS.c.run_id)
        .join(
            TRANSACTIONS,
            TRANSACTIONS.c.cause == literal("run:").concat(RESERVATIONS.c.run_id),
        )
        .join(POSTINGS, POSTINGS.c.transaction_id == TRANSACTIONS.c.id)
        .where(
            # The account is the department's: by its index, only the month's runs are read.
            RESERVATIONS.c.account_id == department.account_id,
            DEPARTMENT_RUNS.c.department_id == department.id,
            DEPARTMENT_RUNS.c.wallet_usd_micros > 0,
            RESERVATIONS.c.state == ReservationState.POSTED,
            RESERVATIONS.c.ended_at >= month.start,
            RESERVATIONS.c.ended_at < month.end,
            POSTINGS.c.unit == Unit.USD,
            POSTINGS.c.ledger_account.startswith(REVENUE),
        )
    )
    return int(conn.execute(earned).scalar_one())


def _reserved(conn: Connection, department: Department) -> int:
    waiting = (
        select(func.coalesce(func.sum(DEPARTMENT_RUNS.c.wallet_usd_micros), 0))
        .join(RESERVATIONS, RESERVATIONS.c.run_id == DEPARTMENT_RUNS.c.run_id)
        .where(
            RESERVATIONS.c.account_id == department.account_id,
            DEPARTMENT_RUNS.c.department_id == department.id,
            RESERVATIONS.c.state == ReservationState.OPEN,
        )
    )
    return int(conn.execute(waiting).scalar_one())
