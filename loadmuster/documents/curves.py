"""The documents of curves: cost against users, users over time, and what a sweep wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.planning.cost_curves import USD, CostCurve
from engine.planning.load_curves import LoadCurves
from kernel.plain import plain
from loadmuster.documents.parts import contract_rate_part
from pricing.money import MICROS_PER_USD, format_usd

if TYPE_CHECKING:
    from engine.runs.model.states import Run
    from engine.sweeping.cost_lines import CostLines


def cost_curves_document(curves: Sequence[CostCurve]) -> dict[str, Any]:
    """The curves as ``plot cost --json`` prints them: money is text, units are numbers."""
    return {
        "curves": [
            {
                "tariff": curve.name,
                "title": curve.title,
                "unit": curve.unit,
                "as_of": None if curve.as_of is None else curve.as_of.isoformat(),
                "regions": [*curve.regions],
                "contract_rate": contract_rate_part(curve.contract_rate),
                "points": [
                    {"users": users, "amount": _amount(curve, level)}
                    for users, level in curve.points
                ],
                "cliffs": [
                    {
                        "users": step.users,
                        "amount": _amount(curve, step.low),
                        "amount_of_one_more": _amount(curve, step.high),
                    }
                    for step in curve.steps
                ],
            }
            for curve in curves
        ]
    }


def load_curves_document(curves: LoadCurves) -> dict[str, Any]:
    """The curves as ``plot load --json`` prints them: pairs of seconds and users."""
    return {
        "title": curves.title,
        "lines": [
            {"name": name, "points": [[x, y] for x, y in points]}
            for name, points in curves.lines.items()
        ],
    }


def cost_lines_document(found: CostLines, measure: str) -> dict[str, Any]:
    """The lines as ``plot sweep --json`` prints them: money is text."""
    return {
        "measure": measure,
        "common": found.common,
        "lines": [
            {
                "name": line.name,
                "points": [
                    {"users": users, "amount": format_usd(usd_micros)}
                    for users, usd_micros in line.points
                ],
            }
            for line in found.lines
        ],
        "break_even": [
            {"users": each.users, "cheapest": each.name, "instead_of": each.instead_of}
            for each in found.break_even
        ],
    }


def run_series_document(run: Run) -> dict[str, Any]:
    """A run's load over time as ``plot run --json`` prints it: the windows of its result."""
    windows = () if run.result is None else run.result.windows
    return {"run": run.id, "windows": plain(windows)}


def drawn_document(figures: Mapping[str, Any], picture: Path | None) -> dict[str, Any]:
    """Curves, and the file that they were drawn into; None: none."""
    return {**figures, "file": None if picture is None else str(picture)}


def _amount(curve: CostCurve, level: Fraction) -> str | float:
    return format_usd(round(level * MICROS_PER_USD)) if curve.unit == USD else float(level)
