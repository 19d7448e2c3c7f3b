"""A sweep's result as a chart."""

from __future__ import annotations

from engine.sweeping.cost_lines import CostLines
from kernel.words import counted
from loadmuster.cli.curves import CurveLine, Curves, Mark
from pricing.money import MICROS_PER_USD

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
                f"cheapest from {counted(each.users, 'user')} on, instead of {each.instead_of}",
            )
            for each in found.break_even
        ),
    )
