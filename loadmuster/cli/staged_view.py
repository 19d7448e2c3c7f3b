"""How a test in shifts looks to people: what it saves, what it risks, and who is there when."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.clouds import CLOUDS
from engine.planning.estimate import Estimate
from engine.planning.shifts import Roster, there_at
from engine.planning.staged import Staged, StagedFleet, risk_in_words, users_over_time
from loadmuster.cli.curves import CurveLine, Curves
from loadmuster.cli.layout import INDENT, columns, dollars, section

if TYPE_CHECKING:
    from rich.console import Console

JUST_BEFORE_S = 1e-6


def show_staged(console: Console, staged: Staged) -> None:
    """Side by side: all the time, and in shifts."""
    names = [f"USD on {CLOUDS[fleet.provider].title}" for fleet in staged.fleets]
    table = columns("injectors", "LI-minutes", *names, right=("LI-minutes", *names))
    table.add_row(
        "all the time",
        f"{staged.static_li_minutes:,}",
        *(dollars(fleet.static_usd_micros) for fleet in staged.fleets),
    )
    table.add_row(
        "in shifts",
        f"{staged.li_minutes:,}",
        *(dollars(fleet.usd_micros) for fleet in staged.fleets),
    )
    table.add_row(
        "saved",
        _percent(staged.saved_li_minutes, staged.static_li_minutes),
        *(_saved(fleet) for fleet in staged.fleets),
    )
    risk = textwrap.fill(
        f"- {risk_in_words(staged)}; runs launch all machines at once so far",
        console.width - INDENT,
        subsequent_indent="  ",
    )
    section(console, "In shifts", table, *risk.split("\n"))


def load_chart(planned: Estimate, staged: Staged) -> Curves:
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
    return Curves(
        title=planned.scenario.name,
        x_label="seconds",
        y_label="users",
        lines=(
            CurveLine("room, all at once", [(0.0, room), (curve.duration_s, room)]),
            CurveLine("room, in shifts", _stairs(staged.rosters, ends, payload)),
            CurveLine("users", [(point.at_s, point.level) for point in curve.points]),
        ),
    )


def load_document(chart: Curves) -> dict[str, Any]:
    """The curves as pairs of seconds and users."""
    return {
        "title": chart.title,
        "lines": [
            {"name": line.name, "points": [[x, y] for x, y in line.points]} for line in chart.lines
        ],
    }


def _stairs(
    found: Sequence[Roster], ends: Sequence[float], payload: int
) -> list[tuple[float, float]]:
    return [
        (at_s, float(there_at(found, near_s) * payload))
        for at_s in ends
        for near_s in (at_s - JUST_BEFORE_S, at_s + JUST_BEFORE_S)
        if ends[0] <= near_s <= ends[-1]
    ]


def _saved(fleet: StagedFleet) -> str:
    return _percent(fleet.static_usd_micros - fleet.usd_micros, fleet.static_usd_micros)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"
