"""Open runs that no controller drives: since when, so that somebody may look after them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from engine.database import reading
from engine.runs.leases.lease import TERM_S, provably_dead
from engine.runs.model.states import RunState
from engine.runs.model.tables import RUNS

_OPEN = select(RUNS.c.id, RUNS.c.accepted_at, RUNS.c.lease_owner, RUNS.c.lease_until).where(
    RUNS.c.state != RunState.ENDED
)


def unattended_runs(
    db: Engine, now: datetime, *, run_id: str | None = None
) -> Mapping[str, datetime]:
    """Since when no controller has held each open run that none holds, by id.

    Args:
        db: Where the runs are.
        now: By the machine's clock, as leases are.
        run_id: Look at this one only.
    """
    query = _OPEN if run_id is None else _OPEN.where(RUNS.c.id == run_id)
    with reading(db) as conn:
        rows = conn.execute(query).all()
    unheld = {
        run_id: _since(accepted_at, holder, held_until, now)
        for run_id, accepted_at, holder, held_until in rows
    }
    return {run_id: since for run_id, since in unheld.items() if since is not None}


def _since(
    accepted_at: datetime, holder: str | None, held_until: datetime | None, now: datetime
) -> datetime | None:
    """When it was let go of, when its lease ran out, or when its dead holder last renewed it."""
    if holder is None or held_until is None:
        return held_until or accepted_at
    if held_until <= now:
        return held_until
    return held_until - timedelta(seconds=TERM_S) if provably_dead(holder) else None
