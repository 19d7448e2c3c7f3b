"""Places that refused a moment ago: other runs try them last until the time is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from engine.runs.launching.placements import IsShort
from engine.runs.model.states import Placement, RunOrder
from engine.runs.model.tables import SHORTAGES


def note_shortage(
    conn: Connection, order: RunOrder, place: Placement, *, at: datetime, avoid_s: float
) -> None:
    """Put on record that a place refused a run."""
    provider = _provider(place.provider, rehearsal=order.rehearsal)
    for machine_type in place.machine_types:
        key = {"provider": provider, "region": place.region, "machine_type": machine_type}
        conn.execute(delete(SHORTAGES).where(*(SHORTAGES.c[name] == key[name] for name in key)))
        conn.execute(insert(SHORTAGES).values(**key, until=at + timedelta(seconds=avoid_s)))


def known_shortages(conn: Connection, *, rehearsal: bool, now: datetime) -> IsShort:
    """What refused a moment ago, in all clouds or in all rehearsed ones."""
    rows = conn.execute(
        select(SHORTAGES.c.provider, SHORTAGES.c.region, SHORTAGES.c.machine_type).where(
            SHORTAGES.c.until > now
        )
    )
    short = {(row.provider, row.region, row.machine_type) for row in rows}
    return lambda provider, region, machine_type: (
        (_provider(provider, rehearsal=rehearsal), region, machine_type) in short
    )


def _provider(provider: str, *, rehearsal: bool) -> str:
    """A rehearsal's cloud is another one."""
    return f"{provider} rehearsed" if rehearsal else provider
