"""A sweep's result as a chart, and as a JSON document."""

from __future__ import annotations

from typing import Any

from engine.sweeping.cost_lines import CostLines
from loadmuster.cli.curves import CurveLine, Curves, Mark
from pricing.money import MICROS_PER_USD, format_usd

MEASURES = {"usd": "USD a run", "machine_usd": "USD of machines a run"}


def sweep_chart(found: CostLines, measure: str) -> Curves:
    """Cost against users, and where the cheapest choice changes."""
    return Curves(
        title=found.common or "sweep",
        x_label="users",
        y_label=MEASURES[measure],
        lines=tuple(
            CurveLine(
                line.name,
                [(float(users), usd_micros / MICROS_PER_USD) for users, usd_micros in line.points],
            )
            for line in sorted(found.lines, key=lambda line: -line.points[-1][1])
        ),
        marks=tuple(
            Mark(
                each.name,
                each.users,
                each.usd_micros / MICROS_PER_USD,
                f"cheapest from {each.users:,} users on, instead of {each.instead_of}",
            )
            for each in found.break_even
        ),
    )


def sweep_chart_document(found: CostLines, measure: str) -> dict[str, Any]:
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
