"""Load curves: users over time, and the room for them on injectors, all at once and in shifts.

Pure: computed from an estimate and the same test in shifts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.planning.estimate import Estimate
from engine.planning.shifts import Roster, there_at
from engine.planning.staged import Staged, users_over_time

JUST_BEFORE_S = 1e-6

Points = Sequence[tuple[float, float]]
"""Pairs of seconds and users."""


class LoadCurves(Struct, frozen=True):
    """What there is over time.

    Attributes:
        title: Of the test.
        lines: By name: how many users there are, or could be.
    """

    title: str
    lines: Mapping[str, Points]


def load_curves(planned: Estimate, staged: Staged) -> LoadCurves:
    """Users over time, and how many of them there is room for."""
    curve = users_over_time(planned.scenario.profile)
    payload = planned.requirement.users_per_injector
    ends = sorted(
        {0.0, curve.duration_s}
        | {
            at_s
            for roster in staged.rosters
            for s in roster.shifts
            for at_s in (s.from_s, s.until_s)
        }
    )
    room = float(planned.requirement.injectors * payload)
    return LoadCurves(
        planned.scenario.name,
        {
            "room, all at once": [(0.0, room), (curve.duration_s, room)],
            "room, in shifts": _stairs(staged.rosters, ends, payload),
            "users": [(point.at_s, point.level) for point in curve.points],
        },
    )


def _stairs(
    found: Sequence[Roster], ends: Sequence[float], payload: int
) -> list[tuple[float, float]]:
    return [
        (at_s, float(there_at(found, near_s) * payload))
        for at_s in ends
        for near_s in (at_s - JUST_BEFORE_S, at_s + JUST_BEFORE_S)
        if ends[0] <= near_s <= ends[-1]
    ]
