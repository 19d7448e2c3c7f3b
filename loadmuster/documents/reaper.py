"""The documents of the reaper: what it found and ended, and when it last looked where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from engine.commands.reaper import Reaping
    from engine.runs.model.errors import ReaperOverdueError
    from engine.runs.reaper.heartbeats import Heartbeat
    from engine.runs.reaper.reaper import Reaped, ReapedRegion, Round


def reaping_document(reaping: Reaping) -> dict[str, Any]:
    """What the reaper found, as JSON."""
    return {
        "places": [
            {
                **_place(each.place),
                "regions": list(each.place.regions),
                "at": each.at.isoformat(),
                "machines": len(each.machines),
            }
            for each in reaping.rounds
        ],
        "orphans": [_orphans(round_, each) for round_ in reaping.rounds for each in round_.reaped],
        "failures": [
            {**_place(place), "code": error.code, "message": error.line}
            for place, error in reaping.failures
        ],
    }


def heartbeat_document(
    beats: Sequence[Heartbeat],
    now: datetime,
    max_age_s: float,
    error: ReaperOverdueError | None,
) -> dict[str, Any]:
    """The heartbeats as JSON; ``error`` is in it only where one is overdue."""
    return {
        **({} if error is None else {"error": error.to_json()}),
        "max_age_s": int(max_age_s),
        "places": [
            {
                "provider": each.provider,
                "region": each.region,
                "last_reap_at": None if each.last_at is None else each.last_at.isoformat(),
                "age_s": each.age_s(now),
                "overdue": each.is_overdue(now, max_age_s),
            }
            for each in beats
        ],
    }


def fate(reaped: Reaped, machine_id: str) -> str:
    """What became of an orphan: ``orphan``, ``gone``, or ``left`` although it was asked to go."""
    if not reaped.released:
        return "orphan"
    return "left" if machine_id in {each.machine_id for each in reaped.left} else "gone"


def _orphans(round_: Round, reaped: Reaped) -> dict[str, Any]:
    return {
        "run": reaped.orphans.run_id,
        "why": reaped.orphans.why.name.lower(),
        **_place(round_.place),
        "machines": [
            {
                "id": machine.machine_id,
                "region": machine.region,
                "type": machine.machine_type,
                "launched_at": machine.launched_at.isoformat(),
                "expires_at": machine.expires_at.isoformat(),
                "state": fate(reaped, machine.machine_id),
            }
            for machine in reaped.orphans.machines
        ],
    }


def _place(place: ReapedRegion) -> dict[str, Any]:
    return {"provider": place.name, "rehearsal": place.rehearsal}
