"""Which open run a controller takes next, among all controllers on one database.

PostgreSQL hands each of them another run (``FOR UPDATE SKIP LOCKED``); SQLite lets one at a time
choose. A run is free when nobody holds it, when its lease has run out, or when its holder ran on
this machine and its process is gone.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, func, or_, select, update

from engine.database import reading, transaction
from engine.runs.lease import Lease, provably_dead
from engine.runs.states import RunState
from engine.runs.tables import RUNS

_OPEN = RUNS.c.state != RunState.ENDED
_COSTS_NOTHING_YET = and_(RUNS.c.state == RunState.ACCEPTED, RUNS.c.cancel_at.is_(None))


def claim(
    db: Engine, lease: Lease, now: datetime, *, passing_over: Collection[str] = ()
) -> str | None:
    """Take the lease of the free run that needs a controller most, and return its id.

    Those come first that may have machines, or whose end was asked for; then the oldest.

    Args:
        db: Where the runs are.
        lease: Whose, and for how long.
        now: By the machine's clock, not the runs'.
        passing_over: Ids of runs that are not wanted now.

    Returns:
        None if no run is free.
    """
    with reading(db) as conn:
        free = and_(_OPEN, RUNS.c.id.not_in(passing_over), is_free(conn, _OPEN, now))
        # Most looks find nothing, and keep no writer waiting.
        if conn.execute(select(RUNS.c.id).where(free).limit(1)).first() is None:
            return None
    wanted = (
        select(RUNS.c.id)
        .where(free)
        .order_by(case((_COSTS_NOTHING_YET, 1), else_=0), RUNS.c.accepted_at, RUNS.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction(db) as conn:
        run_id: str | None = conn.execute(wanted).scalar_one_or_none()
        if run_id is not None:
            hold(conn, run_id, lease, now)
        return run_id


def hold(conn: Connection, run_id: str, lease: Lease, now: datetime) -> None:
    """Put the lease on a run that the transaction has to itself: new, or locked."""
    conn.execute(update(RUNS).where(RUNS.c.id == run_id).values(**held_by(lease, now)))


def held_by(lease: Lease, now: datetime) -> dict[str, object]:
    """What stands on a run that the lease holds."""
    return {"lease_owner": lease.owner, "lease_until": now + timedelta(seconds=lease.term_s)}


def open_runs(db: Engine) -> int:
    """How many runs have not ended, whoever drives them."""
    with reading(db) as conn:
        return conn.execute(select(func.count()).select_from(RUNS).where(_OPEN)).scalar_one()


def is_free(conn: Connection, runs: ColumnElement[bool], now: datetime) -> ColumnElement[bool]:
    """Whether one of these runs may be taken by whoever comes.

    Args:
        conn: On which it is looked who holds them.
        runs: Which are asked about.
        now: By the machine's clock.
    """
    holders = conn.execute(
        select(RUNS.c.lease_owner).where(runs, RUNS.c.lease_owner.is_not(None)).distinct()
    ).scalars()
    dead = [each for each in holders if provably_dead(each)]
    return or_(
        RUNS.c.lease_owner.is_(None), RUNS.c.lease_until <= now, RUNS.c.lease_owner.in_(dead)
    )
