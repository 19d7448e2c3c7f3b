"""Plan history: what an account was on, and what became of it (R110-R113)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection

from pricing.subscriptions.subscriptions import latest, owed_periods
from pricing.subscriptions.terms import all_terms


class PlanStatus(StrEnum):
    """The three that a plan can have (R110)."""

    ACTIVE = "Active"
    TERMINATED = "Terminated"
    PAYMENT_FAILURE = "PaymentFailure"


class HistoryRow(Struct, frozen=True):
    """A stretch on one plan.

    Attributes:
        plan: Its name.
        status: See ``PlanStatus``.
        start: From (R111).
        end: To, if it has one (R112).
        monthly_li_minutes: Credits that it awards each month (R113).
        monthly_usd_micros: What it costs each month.
    """

    plan: str
    status: PlanStatus
    start: datetime
    end: datetime | None
    monthly_li_minutes: int
    monthly_usd_micros: int


def plan_history(conn: Connection, account_id: str) -> tuple[HistoryRow, ...]:
    """Every plan that an account was on, oldest first."""
    subscription = latest(conn, account_id)
    owes = bool(owed_periods(conn, subscription))
    rows = []
    for terms in all_terms(conn, account_id):
        if terms.ended_at is not None:
            status = PlanStatus.TERMINATED
        elif owes:
            status = PlanStatus.PAYMENT_FAILURE
        else:
            status = PlanStatus.ACTIVE
        rows.append(
            HistoryRow(
                plan=terms.plan.name,
                status=status,
                start=terms.started_at,
                end=terms.ended_at,
                monthly_li_minutes=terms.plan.li_minutes,
                monthly_usd_micros=terms.plan.monthly_usd_micros,
            )
        )
    return tuple(rows)
