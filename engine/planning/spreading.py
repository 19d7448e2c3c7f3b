"""Spreading: where one machine carries most of a region's load, and where a spread is not kept.

The cheapest machines are often a large one and a small one for the remainder. Losing the large one
loses the result, and all of its users come from one address, which a target may take for an attack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from engine.planning.fleet import Fleet
from engine.planning.regional_fleet import FleetGroup, RegionalFleet
from engine.planning.requirement import ImpossibleLoadError, Requirement
from engine.scenario import Scenario
from kernel.words import counted
from pricing.money import MICROS_PER_CENT, format_cents

FROM_INJECTORS = 10
"""Standard injectors of a region's load. A smaller test is repeated sooner than it is spread."""

MOST_PERCENT = 50
"""Of a region's users, on one machine: losing more leaves nothing to go by."""

SPREAD = 4
"""Machines to share such a load out among: losing one then leaves three quarters of it."""

FleetOf = Callable[[Scenario, Fleet], Fleet]
"""The cheapest machines of another scenario in the places of a fleet."""


def unspread_notes(
    scenario: Scenario, requirement: Requirement, fleets: Sequence[Fleet], fleet_of: FleetOf
) -> Iterator[str]:
    """One sentence for each cloud on which one machine carries most of a large load.

    Args:
        scenario: What was estimated.
        requirement: What it takes.
        fleets: The cheapest machines on each cloud.
        fleet_of: The cheapest machines of the scenario with another wish where a fleet is: a test
            that may be anywhere is not searched for everywhere again.
    """
    if scenario.machines.spread > 1 or requirement.injectors < FROM_INJECTORS:
        return
    for fleet in fleets:
        lone, percent, whole = max(map(_heaviest, fleet.sites), key=lambda each: each[1])
        if percent <= MOST_PERCENT:
            continue
        wishes = replace(scenario.machines, spread=SPREAD)
        try:
            spread = fleet_of(replace(scenario, machines=wishes), fleet)
        except ImpossibleLoadError:
            continue
        more = max(0, spread.usd_micros - fleet.usd_micros)
        yield (
            f"{fleet.provider} {lone.place.region}: one {lone.offering.machine.name} carries "
            f"{percent} % of {counted(whole, 'user')}, from one address; spread over {SPREAD} "
            f"machines (--spread {SPREAD}) the test costs {_dollars(more)} more"
        )


def unkept_notes(scenario: Scenario, fleets: Sequence[Fleet]) -> Iterator[str]:
    """One sentence for each region whose load comes from fewer machines than was asked for.

    Users are shared out whole, so that a handful comes from a handful of machines.

    Args:
        scenario: What was estimated.
        fleets: The cheapest machines on each cloud.
    """
    wanted = scenario.machines.spread
    for fleet in fleets:
        for site in fleet.sites:
            machines = site.machines - site.part.reference_injectors
            if machines < wanted:
                yield (
                    f"{fleet.provider} {site.place.region}: {counted(machines, 'machine')} instead"
                    f" of the {wanted:,} asked for (--spread): its load of"
                    f" {counted(site.part.users, 'user')} is shared out in whole users"
                )


def _dollars(usd_micros: int) -> str:
    if usd_micros < MICROS_PER_CENT:
        return "less than a cent"
    return f"{format_cents(usd_micros)} USD"


def _heaviest(site: RegionalFleet) -> tuple[FleetGroup, int, int]:
    """The machines that carry the most each, their percent of a large load, and its users."""
    lone = max(site.groups, key=lambda group: group.users / group.count)
    whole = site.part.users
    is_large = site.part.injectors >= FROM_INJECTORS
    return lone, 100 * lone.users // (lone.count * whole) if is_large else 0, whole
