"""Terms: the plan that an account is on, as it was sold, from one instant to another.

An account has one stretch of terms after the other; together they are its plan history (R110).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select

from pricing.plans.file import plan_from_json, plan_to_json
from pricing.plans.model import Plan
from pricing.tables import TERMS

_LATEST = (
    select(TERMS)
    .where(TERMS.c.account_id == bindparam("account_id"))
    .order_by(TERMS.c.id.desc())
    .limit(1)
)

TERMS_COLUMNS = tuple(
    TERMS.c[name].label(f"terms_{name}")
    for name in ("id", "subscription_id", "document", "started_at", "ended_at")
)
"""The columns of terms, for a statement that reads something else with them."""


class Terms(Struct, frozen=True, gc=False):
    """A stretch of time on one plan.

    Attributes:
        id: Its number.
        subscription_id: The subscription that it belongs to.
        plan: As it was sold.
        started_at: From when.
        ended_at: Until when, exclusive; None: still.
    """

    id: int
    subscription_id: int
    plan: Plan
    started_at: datetime
    ended_at: datetime | None


def begin_terms(
    conn: Connection, account_id: str, subscription_id: int, plan: Plan, at: datetime
) -> None:
    """Put an account on a plan; its terms until then end at the same instant."""
    end_terms(conn, account_id, at)
    conn.execute(
        TERMS.insert().values(
            account_id=account_id,
            subscription_id=subscription_id,
            plan=plan.name,
            document=plan_to_json(plan),
            started_at=at,
        )
    )


def end_terms(conn: Connection, account_id: str, at: datetime) -> None:
    """Take an account off its plan."""
    conn.execute(
        TERMS.update()
        .where(TERMS.c.account_id == account_id, TERMS.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def latest_terms(conn: Connection, account_id: str) -> Terms:
    """The terms that an account is on, or was on last."""
    return _terms(conn.execute(_LATEST, {"account_id": account_id}).one())


def all_terms(conn: Connection, account_id: str) -> tuple[Terms, ...]:
    """Every stretch of an account's life, oldest first."""
    rows = conn.execute(select(TERMS).where(TERMS.c.account_id == account_id).order_by(TERMS.c.id))
    return tuple(_terms(row) for row in rows)


def joined_terms(row: Row[Any]) -> Terms:
    """The terms of a row that has ``TERMS_COLUMNS``."""
    return Terms(
        id=row.terms_id,
        subscription_id=row.terms_subscription_id,
        plan=plan_from_json(row.terms_document),
        started_at=row.terms_started_at,
        ended_at=row.terms_ended_at,
    )


def terms_of(row: Row[Any], plan: Plan) -> Terms:
    """The terms of a row of their table, whose plan has been read."""
    return Terms(
        id=row.id,
        subscription_id=row.subscription_id,
        plan=plan,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _terms(row: Row[Any]) -> Terms:
    return terms_of(row, plan_from_json(row.document))
