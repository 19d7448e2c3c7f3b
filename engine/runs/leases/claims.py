"""Which open run a controller takes next, among all controllers on one database.

PostgreSQL hands each of them another run (``FOR UPDATE SKIP LOCKED``); SQLite lets one at a time
choose. A run is free when nobody holds it, when its lease has run out, or when its holder ran on
this machine and its process is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Boolean,
    Connection,
    Engine,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from engine.database import reading, transaction
from engine.runs.leases.lease import Lease, provably_dead
from engine.runs.model.states import RunState
from engine.runs.model.tables import RUNS
from pricing.tables import ACCOUNTS

_OPEN = RUNS.c.state != RunState.ENDED
_HOLDERS = select(RUNS.c.lease_owner).where(RUNS.c.lease_owner.is_not(None)).distinct()
_HOLDERS_OF_OPEN = _HOLDERS.where(_OPEN)
_HOLDERS_OF_ONE = _HOLDERS.where(RUNS.c.id == bindparam("of"))

IS_FREE = or_(
    RUNS.c.lease_owner.is_(None),
    RUNS.c.lease_until <= bindparam("now"),
    RUNS.c.lease_owner.in_(bindparam("dead", expanding=True)),
)
"""A run may be taken by whoever comes, ``now`` by the machine's clock."""

_OF_A_CLOCK = exists().where(
    ACCOUNTS.c.id == RUNS.c.account_id,
    ACCOUNTS.c.test_clock == bindparam("clock", type_=Boolean),
)
"""The run's account lives by the ``clock``, true for a test clock; none does by null."""

_COSTS_NOTHING_YET = and_(RUNS.c.state == RunState.ACCEPTED, RUNS.c.cancel_at.is_(None))
_FREE = select(RUNS.c.id).where(
    _OPEN,
    RUNS.c.id.not_in(bindparam("passing_over", expanding=True)),
    IS_FREE,
    not_(_OF_A_CLOCK),
)
_ANY = _FREE.limit(1)
_MOST_NEEDY = (
    _FREE.order_by(case((_COSTS_NOTHING_YET, 1), else_=0), RUNS.c.accepted_at, RUNS.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def claim(
    db: Engine,
    lease: Lease,
    now: datetime,
    *,
    passing_over: Collection[str] = (),
    not_by: bool | None = None,
) -> str | None:
    """Take the lease of the free run that needs a controller most, and return its id.

    Those come first that may have machines, or whose end was asked for; then the oldest.

    Args:
        db: Where the runs are.
        lease: Whose, and for how long.
        now: By the machine's clock, not the runs'.
        passing_over: Ids of runs that are not wanted now.
        not_by: Leave alone the runs of accounts that live by the real clock (false), or by a test
            clock (true).

    Returns:
        None if no run is free.
    """
    with reading(db) as conn:
        known = {
            "passing_over": list(passing_over),
            "now": now,
            "dead": dead_holders(conn),
            "clock": not_by,
        }
        # Most looks find nothing, and keep no writer waiting.
        if conn.execute(_ANY, known).first() is None:
            return None
    with transaction(db) as conn:
        run_id: str | None = conn.execute(_MOST_NEEDY, known).scalar_one_or_none()
        if run_id is not None:
            hold(conn, run_id, lease, now)
        return run_id


def hold(conn: Connection, run_id: str, lease: Lease, now: datetime) -> None:
    """Put the lease on a run that the transaction has to itself: new, or locked."""
    conn.execute(update(RUNS).where(RUNS.c.id == run_id).values(**held_by(lease, now)))


def held_by(lease: Lease, now: datetime) -> dict[str, object]:
    """What stands on a run that the lease holds."""
    return {"lease_owner": lease.owner, "lease_until": now + timedelta(seconds=lease.term_s)}


def open_runs(db: Engine, *, by: bool | None = None) -> int:
    """How many runs have not ended, whoever drives them.

    Args:
        db: Where the runs are.
        by: Only those of accounts that live by the real clock (false), or by a test clock (true).
    """
    count = select(func.count()).select_from(RUNS).where(_OPEN)
    with reading(db) as conn:
        if by is None:
            return conn.execute(count).scalar_one()
        return conn.execute(count.where(_OF_A_CLOCK), {"clock": by}).scalar_one()


def dead_holders(conn: Connection, run_id: str | None = None) -> Sequence[str]:
    """Who holds the run, or any open one, and is provably dead: the ``dead`` of ``IS_FREE``."""
    holders, of = (_HOLDERS_OF_OPEN, {}) if run_id is None else (_HOLDERS_OF_ONE, {"of": run_id})
    return [each for each in conn.execute(holders, of).scalars() if provably_dead(each)]
