"""Why an estimate's machines were chosen, in its document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.planning.next_best import Explanation
from loadmuster.documents.parts import machines_of
from pricing.money import format_usd

if TYPE_CHECKING:
    from engine.planning.core_speeds import FasterMachine
    from engine.planning.vcpu_speeds import CountedSpeeds
    from loadmuster.documents.shapes import ExplanationPart, FasterPart, SpeedsPart


def explanation_part(explanation: Explanation) -> ExplanationPart:
    """One cloud's choice, and what comes next."""
    return {
        "provider": explanation.fleet.provider,
        "optimal": explanation.is_optimal,
        "usd_least": format_usd(explanation.least_usd_micros),
        "usd_linear": format_usd(explanation.linear_usd_micros),
        "gap_percent": round(explanation.gap_percent, 3),
        "alternatives": [
            {
                "kind": other.kind,
                "fleet": machines_of(other.fleet),
                "usd": format_usd(other.fleet.usd_micros),
                "usd_more": format_usd(other.more_usd_micros),
                "reason": other.reason,
            }
            for other in explanation.alternatives
        ],
        "faster": _faster(explanation.faster),
        "speeds": _speeds(explanation.speeds),
    }


def _speeds(speeds: CountedSpeeds | None) -> SpeedsPart | None:
    if speeds is None:
        return None
    return {
        "reference": speeds.reference,
        "as_of": speeds.as_of.isoformat(),
        "source": speeds.source,
        "vcpu_percent": {each.family: each.percent for each in speeds.families},
        "not_measured": [each.family for each in speeds.families if not each.is_measured],
    }


def _faster(found: FasterMachine | None) -> FasterPart | None:
    if found is None:
        return None
    return {
        "instance_type": found.offering.machine.name,
        "work_ratio": round(found.work_ratio, 3),
        "price_ratio": round(found.price_ratio, 3),
        "measured_types": [found.chosen_speed.measured_type, found.speed.measured_type],
        "as_of": min(found.chosen_speed.as_of, found.speed.as_of).isoformat(),
    }
