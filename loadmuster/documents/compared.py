"""The document that ``compare`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.planning.compare import Comparison
from engine.planning.compared_row import Row
from loadmuster.documents.parts import (
    cliff_part,
    contract_rate_part,
    number,
    price_from_part,
    scenario_part,
    usd,
)
from pricing.money import format_usd
from pricing.tariffs import MonthlyPlan

if TYPE_CHECKING:
    from loadmuster.documents.shapes import ComparisonDocument, MonthlyPlanPart, RowPart


def comparison_document(comparison: Comparison) -> ComparisonDocument:
    """The comparison in the shape of the contract."""
    load = comparison.estimate.load
    return {
        "scenario": scenario_part(comparison.estimate.scenario),
        "peak_users": load.peak_users,
        "duration_s": load.duration_s,
        "rows": [_row(row) for row in comparison.rows],
        "monthly_plans": [_plan(each, load.peak_users) for each in comparison.monthly_plans],
    }


def _plan(plan: MonthlyPlan, users: int) -> MonthlyPlanPart:
    price_from = price_from_part(plan.price_from)
    assert price_from is not None, plan
    return {
        "service": plan.service,
        "plan": plan.plan,
        "usd_per_month": format_usd(plan.usd_micros_per_month),
        "users_max": plan.users_max,
        "carries": plan.carries(users),
        "price_from": price_from,
    }


def _row(row: Row) -> RowPart:
    return {
        "tariff": row.name,
        "title": row.title,
        "kind": row.kind.value,
        "engines": row.engines,
        "unit": row.unit,
        "quantity": None if row.quantity is None else number(row.quantity),
        "usd": None if row.usd_micros is None else format_usd(row.usd_micros),
        "contract_rate": contract_rate_part(row.contract_rate),
        "published_usd": usd(row.published_usd_micros),
        "price_from": price_from_part(row.price_from),
        "as_of": row.as_of.isoformat(),
        "note": row.note,
        "cliffs": [cliff_part(each) for each in row.cliffs],
    }
