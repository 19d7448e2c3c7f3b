"""The document that ``estimate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.planning.estimate import Estimate, PlannedLoad
from engine.planning.fleet import Fleet
from engine.planning.offers import TariffOffer
from engine.planning.requirement import Outlook, Requirement
from loadmuster.documents.parts import (
    cliff_part,
    contract_rate_part,
    machines_of,
    number,
    scenario_part,
    usd,
)
from pricing.money import format_usd

if TYPE_CHECKING:
    from engine.planning.next_best import Explanation
    from engine.planning.staged import Staged
    from loadmuster.documents.shapes import (
        CostPart,
        EstimateDocument,
        ExplanationPart,
        LoadPart,
        OutlookPart,
        QuotePart,
        RequirementPart,
        StagedPart,
    )


def estimate_document(
    estimate: Estimate,
    *,
    explanations: Sequence[Explanation] | None = None,
    staged: Staged | None = None,
) -> EstimateDocument:
    """The estimate in the shape of the contract.

    Args:
        estimate: What was estimated.
        explanations: Why each cloud's machines were chosen, if asked.
        staged: The test in shifts, if asked.
    """
    return {
        "scenario": scenario_part(estimate.scenario),
        "load": _load(estimate.load),
        "requirement": _requirement(estimate.requirement),
        "fleet": machines_of(estimate.fleet),
        "cost": _cost(estimate.fleet),
        "clouds": [
            {"provider": fleet.provider, "fleet": machines_of(fleet), "cost": _cost(fleet)}
            for fleet in estimate.clouds
        ],
        "quotes": [_quote(offer) for offer in estimate.quotes],
        "unknown": [{"field": each.field, "reason": each.reason} for each in estimate.unknown],
        "warnings": list(estimate.warnings),
        "cliffs": [cliff_part(each) for each in estimate.cliffs],
        "explanation": None if explanations is None else _explanation(explanations),
        "staged": None if staged is None else _staged(staged),
    }


def _explanation(explanations: Sequence[Explanation]) -> list[ExplanationPart]:
    from loadmuster.documents.explained import explanation_part

    return [explanation_part(each) for each in explanations]


def _staged(staged: Staged) -> StagedPart:
    from loadmuster.documents.in_shifts import staged_part

    return staged_part(staged)


def _load(load: PlannedLoad) -> LoadPart:
    return {
        "peak_users": load.peak_users,
        "duration_s": load.duration_s,
        "user_seconds": load.user_seconds,
        "arrivals": load.arrivals,
    }


def _requirement(requirement: Requirement) -> RequirementPart:
    return {
        "injectors": requirement.injectors,
        "users_per_injector": requirement.users_per_injector,
        "recommended_users_per_injector": requirement.recommended_users_per_injector,
        "binding": requirement.binding,
        "li_minutes": requirement.li_minutes,
        "startup_li_minutes": requirement.startup_li_minutes,
        "regions": [
            {
                "region": part.region,
                "users": part.users,
                "injectors": part.injectors,
                "reference_injectors": part.reference_injectors,
            }
            for part in requirement.regions
        ],
        "basis": requirement.basis,
        "bounds": [{"binding": each.binding, "users": each.users} for each in requirement.bounds],
        "at_least": _outlook(requirement.at_least),
        "at_most": _outlook(requirement.at_most),
    }


def _outlook(outlook: Outlook) -> OutlookPart:
    return {
        "users_per_injector": outlook.users_per_injector,
        "injectors": outlook.injectors,
        "li_minutes": outlook.li_minutes,
    }


def _cost(fleet: Fleet) -> CostPart:
    machines = fleet.machines_range
    return {
        "usd": format_usd(fleet.usd_micros),
        "usd_low": format_usd(fleet.low_usd_micros),
        "usd_high": format_usd(fleet.high_usd_micros),
        "machines": {
            "low": machines.low,
            "expected": machines.expected,
            "high": machines.high,
        },
        "items": [
            {
                "name": item.name,
                "usd": format_usd(item.usd_micros),
                "usd_low": format_usd(item.low_usd_micros),
                "usd_high": format_usd(item.high_usd_micros),
            }
            for item in fleet.items
        ],
    }


def _quote(offer: TariffOffer) -> QuotePart:
    return {
        "tariff": offer.name,
        "unit": offer.unit,
        "quantity": number(offer.quantity),
        "usd": usd(offer.usd_micros),
        "as_of": offer.as_of.isoformat(),
        "runs_per_period": offer.runs_per_period,
        "of_account": offer.is_of_account,
        "contract_rate": contract_rate_part(offer.contract_rate),
    }
