"""A run's load over time as curves: users and pace, or response times."""

from __future__ import annotations

from collections.abc import Callable

from engine.load.figures import Window
from engine.runs.model.states import Run
from kernel.errors import BadInputError
from loadmuster.cli.curves import CurveLine, Curves

PACE, TIMES = "pace", "times"


class NoSeriesError(BadInputError):
    """A run has nothing to draw; facts: ``run``."""

    code = "run_has_no_series"


def run_chart(run: Run, by: str) -> Curves:
    """The windows of a run's load as curves over time.

    Args:
        run: That has ended.
        by: ``pace`` or ``times``.

    Raises:
        NoSeriesError: It put no load on, or it is too old to have kept a series.
    """
    windows = () if run.result is None else run.result.windows
    if not windows:
        why = "has not ended yet" if not run.ended else "kept no series over time"
        raise NoSeriesError(f"run {run.id} {why}; nothing can be drawn", run=run.id)
    chart = Curves(
        title=f"{run.order.scenario.name}, {run.id}",
        x_label="time",
        is_time=True,
        y_label="response time, ms" if by == TIMES else "users, requests/s",
        lines=_times(windows) if by == TIMES else _paces(windows),
    )
    if not chart.y_most:
        raise NoSeriesError(f"run {run.id} had no answers; nothing can be drawn", run=run.id)
    return chart


def _times(windows: tuple[Window, ...]) -> tuple[CurveLine, ...]:
    return (
        _line("99 % within", windows, lambda each: each.p99_ms or 0),
        _line("95 % within", windows, lambda each: each.p95_ms or 0),
        _line("50 % within", windows, lambda each: each.p50_ms or 0),
    )


def _paces(windows: tuple[Window, ...]) -> tuple[CurveLine, ...]:
    """Users and requests; what was planned and what failed only where there was any."""
    failed = any(each.failures for each in windows)
    planned = all(each.planned_requests_per_s is not None for each in windows)
    known = all(each.users is not None for each in windows)
    lines = [
        _line("planned requests/s", windows, lambda each: each.planned_requests_per_s or 0.0)
        if planned
        else None,
        _line("users", windows, lambda each: each.users or 0) if known else None,
        _line("requests/s", windows, lambda each: each.requests_per_s),
        _line("failed/s", windows, lambda each: each.failures / each.length_s) if failed else None,
    ]
    return tuple(line for line in lines if line is not None)


def _line(name: str, windows: tuple[Window, ...], level_of: Callable[[Window], float]) -> CurveLine:
    """The level of each window from its beginning, and of the last to its end."""
    points = [(each.from_s, float(level_of(each))) for each in windows]
    last = windows[-1]
    return CurveLine(name, [*points, (last.from_s + last.length_s, float(level_of(last)))])
