"""Run history of accounts that have left: kept for one month, then deleted (R62, R64).

What was charged stays in the books; the account stays too (R65).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select

from engine.runs.model.tables import ALLOWED_TARGETS, RUN_EVENTS, RUN_TABLES, RUNS
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
    return forget_runs(conn, account_id)


def forget_runs(conn: Connection, account_id: str) -> int:
    """Delete an account's ended runs with their timelines and results, in an open transaction.

    Returns:
        How many there were.
    """
    ended = select(RUNS.c.id).where(RUNS.c.account_id == account_id, RUNS.c.ended_at.is_not(None))
    conn.execute(RUN_TABLES.delete().where(RUN_TABLES.c.run_id.in_(ended)))
    conn.execute(RUN_EVENTS.delete().where(RUN_EVENTS.c.run_id.in_(ended)))
    return conn.execute(
        RUNS.delete().where(RUNS.c.account_id == account_id, RUNS.c.ended_at.is_not(None))
    ).rowcount


def forget_account(conn: Connection, account_id: str) -> None:
    """Delete what runs have left of an account that is deleted: runs, results, allowed targets."""
    forget_runs(conn, account_id)
    conn.execute(ALLOWED_TARGETS.delete().where(ALLOWED_TARGETS.c.account_id == account_id))
