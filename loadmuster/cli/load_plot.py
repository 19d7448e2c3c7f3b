"""The planned load over time, as a plot of characters."""

from __future__ import annotations

from rich.text import Text

from engine.scenario.profile import ClosedProfile, LoadProfile
from kernel.durations import format_duration
from loadmuster.cli.chart import Chart, ticks_s

HEIGHT_ROWS = 7
WIDTH_COLUMNS_MAX = 100

LEVEL_MIN = 0.01
"""Smaller levels are rounded to three figures, since three decimals might leave nothing of them."""


def load_plot(profile: LoadProfile, width_columns: int) -> Text:
    """The users, or the arrivals per second, from the start to the planned end."""
    is_closed = isinstance(profile, ClosedProfile)
    curve = profile.users if isinstance(profile, ClosedProfile) else profile.arrivals_per_s
    levels = _ticks_level(curve.peak, whole=is_closed)
    chart = Chart(
        min(width_columns, WIDTH_COLUMNS_MAX),
        HEIGHT_ROWS,
        curve.duration_s,
        [(level, f"{level:,}") for level in levels],
    )
    chart.area([(point.at_s, point.level) for point in curve.points])
    drawn = chart.drawn([(second, format_duration(second)) for second in ticks_s(curve.duration_s)])
    caption = "users" if is_closed else "arrivals per second"
    return Text.assemble((f"{caption}\n", "dim"), (drawn, "cyan"))


def _ticks_level(peak: float, *, whole: bool) -> list[float]:
    """Nothing, half and all of the peak; users in whole numbers."""
    if whole:
        return [0, round(peak) // 2, round(peak)]
    if peak < LEVEL_MIN:
        return [0, float(f"{peak / 2:.3g}"), float(f"{peak:.3g}")]
    return [0, round(peak / 2, 3), round(peak, 3)]
