"""The reaper's heartbeat: when it looked where, what it found, and whether it is overdue.

A reaper that does not run leaks money in silence, so its absence is what is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select

from engine.clouds import LOCAL
from engine.runs.model.states import Run
from engine.runs.model.tables import REAPS, RUNS
from engine.runs.reaper.reaper import ReapedRegion, Round

REAP_EVERY_S = 600
REAP_AGE_MAX_S = 1_800
"""From three missed looks on, something is wrong."""
KEPT = timedelta(days=30)
LOOKED_BACK = timedelta(days=7)
"""How long after its end a run's place is still looked at."""

Spot = tuple[str, str]
"""A provider's name and a region."""


def record(conn: Connection, reaped: Round) -> None:
    """Put one round on record, a row a region; rows that nobody needs any more go."""
    place = reaped.place
    seen = Counter(machine.region for machine in reaped.machines)
    orphans = Counter(machine.region for each in reaped.reaped for machine in each.orphans.machines)
    released = Counter(
        machine.region
        for each in reaped.reaped
        if each.released
        for machine in each.orphans.machines
        if machine not in each.left
    )
    conn.execute(REAPS.delete().where(REAPS.c.at < reaped.at - KEPT))
    for region in place.regions:
        key = {
            "provider": place.name,
            "rehearsal": place.rehearsal,
            "region": region,
            "at": reaped.at,
        }
        # Two rehearsed clouds, or two reapers, at the same instant: one row tells enough.
        conn.execute(REAPS.delete().where(*(REAPS.c[name] == key[name] for name in key)))
        conn.execute(
            insert(REAPS).values(
                **key,
                machines=seen[region],
                orphans=orphans[region],
                released=released[region],
            )
        )


def last_reaps(conn: Connection) -> Mapping[Spot, datetime]:
    """When the reaper last looked at each region of each real cloud."""
    query = (
        select(REAPS.c.provider, REAPS.c.region, func.max(REAPS.c.at).label("at"))
        .where(~REAPS.c.rehearsal)
        .group_by(REAPS.c.provider, REAPS.c.region)
    )
    return {(row.provider, row.region): row.at for row in conn.execute(query)}


def ended_runs(conn: Connection, run_ids: Collection[str]) -> Mapping[str, bool]:
    """Of those runs that are on record: whether each has ended."""
    query = select(RUNS.c.id, RUNS.c.ended_at).where(RUNS.c.id.in_(run_ids))
    return {row.id: row.ended_at is not None for row in conn.execute(query)}


class Heartbeat(Struct, frozen=True):
    """How long ago the reaper looked at a region of a real cloud that it has to look at.

    Attributes:
        provider: Whose region.
        region: Which.
        last_at: When it last looked there; None: never.
        awaited_since: From when on the next look is waited for: the last one, or the first intent
            of the runs there if that is later.
    """

    provider: str
    region: str
    last_at: datetime | None
    awaited_since: datetime

    def age_s(self, now: datetime) -> int:
        """Whole seconds for which the next look has been waited for."""
        return max(0, int((now - self.awaited_since).total_seconds()))

    def is_overdue(self, now: datetime, every_s: float) -> bool:
        """Whether it should have looked since, in a period of so many seconds."""
        return self.awaited_since < now - timedelta(seconds=every_s)


def heartbeats(runs: Iterable[Run], last: Mapping[Spot, datetime]) -> Sequence[Heartbeat]:
    """Of every region of a real cloud where these runs may have machines, or had them.

    Before its intent to launch is on record, a run has none.
    """
    oldest: dict[Spot, datetime] = {}
    for run in runs:
        if run.order.rehearsal or run.order.provider == LOCAL or run.intent_at is None:
            continue
        for region in run.regions:
            spot = (run.provider_of(region), region)
            oldest[spot] = min(oldest.get(spot, run.intent_at), run.intent_at)
    return [
        Heartbeat(*spot, last.get(spot), max(first, last.get(spot, first)))
        for spot, first in sorted(oldest.items())
    ]


def places_of(runs: Iterable[Run]) -> Sequence[ReapedRegion]:
    """Where these runs have machines, or had them."""
    regions: dict[tuple[str, str | None], set[str]] = {}
    for run in runs:
        for name, tried in run.places.items():
            endpoint = run.endpoint_of(name) if run.order.rehearsal else None
            if endpoint is not None or not run.order.rehearsal:
                regions.setdefault((name, endpoint), set()).update(tried)
    return [
        ReapedRegion(name, tuple(sorted(found)), endpoint)
        for (name, endpoint), found in sorted(regions.items(), key=lambda one: str(one[0]))
    ]
