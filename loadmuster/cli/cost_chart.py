"""Cost curves as a chart."""

from __future__ import annotations

from collections.abc import Sequence

from engine.planning.cost_curves import USD, CostCurve, CostStep
from engine.planning.requirement import peak_users, planned_seconds
from engine.scenario import Scenario
from kernel.durations import format_duration
from kernel.words import counted
from loadmuster.cli.curves import CurveLine, Curves, Mark
from pricing.tariffs import plural

MARKS_OF_A_CURVE = 1
"""Its largest cliff; the smaller ones show by themselves."""


def cost_chart(scenario: Scenario, curves: Sequence[CostCurve]) -> Curves:
    """Cost against users, each curve's largest cliff marked."""
    users = peak_users(scenario)
    length = format_duration(planned_seconds(scenario))
    unit = curves[0].unit
    marks = [
        Mark(_name(curve), step.users, float(step.low), _words(step, curve.unit))
        for curve in curves
        for step in curve.steps[:MARKS_OF_A_CURVE]
    ]
    return Curves(
        title=f"{scenario.name}: {length} of {scenario.protocol.value} load",
        x_label="users",
        y_label="USD a run" if unit == USD else plural(unit),
        lines=tuple(
            CurveLine(_name(curve), [(users, float(level)) for users, level in curve.points])
            for curve in sorted(curves, key=lambda curve: -curve.points[-1][1])
        ),
        marks=tuple(sorted(marks, key=lambda mark: -mark.y)),
        here=users,
        here_text=counted(users, "user"),
        source=_source(curves),
    )


def _source(curves: Sequence[CostCurve]) -> str:
    """``machines in us-east-1 at list prices of 2026-07-20; plans and services at ...``."""
    own = [curve for curve in curves if curve.regions]
    others = [curve for curve in curves if not curve.regions]
    parts = []
    if own:
        regions = sorted({region for curve in own for region in curve.regions})
        parts.append(f"machines in {' and '.join(regions)} at list prices of {_days(own)}")
    if others:
        parts.append(f"plans and services at tariffs of {_days(others)}")
    return "; ".join(parts)


def _days(curves: Sequence[CostCurve]) -> str:
    """``2026-06-18``, or ``2026-06-18 to 2026-07-20``."""
    days = sorted({str(curve.as_of) for curve in curves if curve.as_of is not None})
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "no known day"


def _name(curve: CostCurve) -> str:
    """A price by contract is never taken for a published one."""
    return curve.name if curve.contract_rate is None else f"{curve.name} (contract)"


def _words(step: CostStep, unit: str) -> str:
    """``500 to 501 users, 4.00 to 8.00 USD``."""
    low, high = (
        f"{float(level):,.2f}" if unit == USD else f"{float(level):,.10g}"
        for level in (step.low, step.high)
    )
    return f"{step.users:,} to {step.users + 1:,} users, {low} to {high} {plural(unit)}"
