"""The document of advice: the plans side by side for a number of runs a month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.reports.advisor import Advice, PlanCost


def advice_document(advice: Advice) -> dict[str, Any]:
    """Advice as ``advise --json`` prints it."""
    run_usd_micros = advice.run_usd_micros
    return {
        "need": {
            "li_minutes": advice.need.li_minutes,
            "runs": advice.need.runs,
            "users": advice.need.users,
        },
        "cheapest": None if advice.cheapest is None else advice.cheapest.plan.name,
        "run_usd": None if run_usd_micros is None else format_usd(run_usd_micros),
        "plans": [_cost_row(cost) for cost in advice.costs],
        "runs_left": advice.runs_left,
    }


def _cost_row(cost: PlanCost) -> dict[str, Any]:
    return {
        "plan": cost.plan.name,
        "usd": None if cost.usd_micros is None else format_usd(cost.usd_micros),
        "monthly_usd": format_usd(cost.plan.monthly_usd_micros),
        "li_minutes": cost.plan.li_minutes,
        "boosts": cost.boosts,
        "runs_included": cost.runs_included,
        "break_even_runs": cost.break_even_runs,
        "cheaper_for_runs": [{"from": each.first, "to": each.last} for each in cost.cheaper_for],
        "why_not": cost.why_not,
        "example_figures": list(cost.plan.examples),
    }
