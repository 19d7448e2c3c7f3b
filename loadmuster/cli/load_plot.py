"""The planned load over time, as a plot of characters."""

from __future__ import annotations

from rich.text import Text

from engine.scenario.profile import ClosedProfile, LoadProfile
from kernel.durations import format_duration
from loadmuster.cli.chart import Chart

HEIGHT_ROWS = 7
WIDTH_COLUMNS_MAX = 100
TICKS_MAX = 7

_STEPS_S = tuple(
    unit_s * count
    for unit_s, counts in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3_600, (1, 2, 3, 6, 12)),
        (86_400, (1, 2, 7, 30, 90)),
    )
    for count in counts
)


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
    drawn = chart.drawn(
        [(second, format_duration(second)) for second in _ticks_s(curve.duration_s)]
    )
    caption = "users" if is_closed else "arrivals per second"
    return Text.assemble((f"{caption}\n", "dim"), (drawn, "cyan"))


def _ticks_level(peak: float, *, whole: bool) -> list[float]:
    """Nothing, half and all of the peak; users in whole numbers."""
    if whole:
        return [0, round(peak) // 2, round(peak)]
    return [0, round(peak / 2, 3), round(peak, 3)]


def _ticks_s(duration_s: float) -> list[int]:
    """Round seconds for the time axis, few enough to read."""
    step_s = next((step for step in _STEPS_S if duration_s / step < TICKS_MAX), _STEPS_S[-1])
    return list(range(0, int(duration_s) + 1, step_s))
