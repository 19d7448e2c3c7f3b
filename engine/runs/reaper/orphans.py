"""Which machines nobody will release any more: a pure judgement of what a cloud shows.

A machine carries its run's id and its own expiry as tags. It is an orphan when its run has ended,
when the run is unknown here, or when the expiry has passed. Machines of one run are judged
together, and a run with a machine that is younger than the guard is left alone: clouds show things
late, and clocks differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from providers.contract import Machine

AGE_GUARD_S = 600


class Why(StrEnum):
    """Why machines are orphans."""

    ENDED = "its run has ended"
    EXPIRED = "its time is over"
    UNKNOWN = "its run is unknown here"


class Orphans(Struct, frozen=True):
    """The machines of one run that nobody will release.

    Attributes:
        run_id: From their tag.
        why: The reason.
        machines: As the cloud showed them.
    """

    run_id: str
    why: Why
    machines: tuple[Machine, ...]

    @property
    def regions(self) -> tuple[str, ...]:
        """Where they are."""
        return tuple(sorted({machine.region for machine in self.machines}))


def orphans_among(
    machines: Iterable[Machine],
    ended: Mapping[str, bool],
    now: datetime,
    older_than_s: float = AGE_GUARD_S,
) -> tuple[Orphans, ...]:
    """The orphans, run by run in the order of their ids.

    Args:
        machines: All that the cloud shows, of whichever run.
        ended: Whether each run that is on record has ended; read after the machines.
        now: The instant of the judgement.
        older_than_s: Age of a run's youngest machine from which on it is judged at all.
    """
    by_run: dict[str, list[Machine]] = defaultdict(list)
    for machine in machines:
        by_run[machine.run_id].append(machine)
    born_by = now - timedelta(seconds=older_than_s)
    return tuple(
        Orphans(run_id, why, tuple(found))
        for run_id, found in sorted(by_run.items())
        if max(machine.launched_at for machine in found) <= born_by
        and (why := _why(found, ended.get(run_id), now)) is not None
    )


def _why(machines: Iterable[Machine], ended: bool | None, now: datetime) -> Why | None:
    if ended:
        return Why.ENDED
    # One whose time is not over may belong to a later attempt, and a release ends them all.
    if all(machine.expires_at <= now for machine in machines):
        return Why.EXPIRED
    return Why.UNKNOWN if ended is None else None
