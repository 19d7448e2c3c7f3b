"""How a test in shifts looks to people: what it saves, what it risks, and who is there when."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from engine.clouds import CLOUDS
from engine.planning.load_curves import LoadCurves
from engine.planning.staged import Staged, StagedFleet, risk_in_words
from loadmuster.cli.curves import CurveLine, Curves
from loadmuster.cli.layout import INDENT, columns, dollars, section

if TYPE_CHECKING:
    from rich.console import Console


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


def load_chart(curves: LoadCurves) -> Curves:
    """Users over time, and how many of them there is room for."""
    return Curves(
        title=curves.title,
        x_label="time",
        is_time=True,
        y_label="users",
        lines=tuple(CurveLine(name, points) for name, points in curves.lines.items()),
    )


def _saved(fleet: StagedFleet) -> str:
    return _percent(fleet.static_usd_micros - fleet.usd_micros, fleet.static_usd_micros)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"
