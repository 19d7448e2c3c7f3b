"""Injectors that come and go with the load, in an estimate's document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.planning.staged import Staged, risk_in_words
from pricing.money import format_usd

if TYPE_CHECKING:
    from loadmuster.documents.shapes import StagedPart


def staged_part(staged: Staged) -> StagedPart:
    """Every cloud's machines in shifts, beside all of them all the time."""
    return {
        "li_minutes": staged.li_minutes,
        "static_li_minutes": staged.static_li_minutes,
        "clouds": [
            {
                "provider": fleet.provider,
                "usd": format_usd(fleet.usd_micros),
                "usd_static": format_usd(fleet.static_usd_micros),
                "shifts": [
                    {
                        "region": crew.offering.region,
                        "instance_type": crew.offering.machine.name,
                        "count": roster.count,
                        "from_s": float(shift.from_s),
                        "until_s": float(shift.until_s),
                    }
                    for crew in fleet.crews
                    for roster in crew.rosters
                    for shift in roster.shifts
                ],
            }
            for fleet in staged.fleets
        ],
        "risk": risk_in_words(staged),
    }
