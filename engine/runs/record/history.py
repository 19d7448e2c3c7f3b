"""Run history of accounts that have left: kept for one month, then deleted (R62, R64).

What was charged stays in the books; the account stays too (R65).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select

from engine.runs.model.tables import RUN_EVENTS, RUNS
from pricing.accounts.cancellations import kept_until
from pricing.subscriptions.subscriptions import latest
from pricing.tables import SUBSCRIPTIONS


def forget_history(conn: Connection, now: datetime) -> int:
    """Delete the ended runs of every cancelled account whose month has passed.

    Returns:
        How many runs were deleted.
    """
    left = (
        select(SUBSCRIPTIONS.c.account_id)
        .distinct()
        .where(
            SUBSCRIPTIONS.c.ended_at <= now,
            exists().where(RUNS.c.account_id == SUBSCRIPTIONS.c.account_id),
        )
    )
    return sum(_forget(conn, each, now) for each in conn.execute(left).scalars().all())


def _forget(conn: Connection, account_id: str, now: datetime) -> int:
    subscription = latest(conn, account_id)
    until = kept_until(conn, subscription)
    if until is None or now < until:
        return 0
    ended = select(RUNS.c.id).where(RUNS.c.account_id == account_id, RUNS.c.ended_at.is_not(None))
    conn.execute(RUN_EVENTS.delete().where(RUN_EVENTS.c.run_id.in_(ended)))
    return conn.execute(
        RUNS.delete().where(RUNS.c.account_id == account_id, RUNS.c.ended_at.is_not(None))
    ).rowcount
