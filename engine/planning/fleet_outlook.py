"""Fleet outlook: the machines that a test takes if its users turn out lighter, or heavier.

How many users a machine carries lies in a range, and so do the machines and what they cost. A run
launches the expected ones; the others say what a later choice may have to be.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.planning.capacity import GIVEN, Demand
from engine.planning.fleet import Fleet, Market, cheapest_sites, market_of
from engine.planning.places import CandidateRegion
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.requirement import ImpossibleLoadError, Requirement
from engine.scenario import Scenario
from pricing.catalog import Catalog


def fleet_with_outlook(
    scenario: Scenario,
    requirement: Requirement,
    *,
    catalog: Catalog,
    provider: str,
    places: Sequence[Sequence[CandidateRegion]],
) -> Fleet:
    """The cheapest machines that carry the scenario, and those that it may turn out to take.

    These are in the same places. A payload that the scenario fixes has no range, nor has the fleet.

    Args:
        scenario: What is to be run.
        requirement: What it takes.
        catalog: Machine types and prices.
        provider: ``aws`` or ``azure``.
        places: Where each of the requirement's regions may be on this cloud.

    Raises:
        ImpossibleLoadError: No machines carry the load, or none that were wished for.
    """
    market = market_of(scenario, requirement, catalog=catalog, provider=provider)
    sites = cheapest_sites(market, scenario.name, requirement.regions, places)
    if requirement.binding == GIVEN:
        return market.fleet(sites)
    lighter, heavier = (
        _for(market, scenario.name, requirement, sites, each.demand)
        for each in (requirement.at_least, requirement.at_most)
    )
    # Those that are carry lighter users, too, and what was found for them may not be the cheapest.
    return market.fleet(sites, min(lighter, sites, key=_monthly), heavier)


def _monthly(sites: Sequence[RegionalFleet]) -> int:
    return sum(site.monthly_usd_micros for site in sites)


def _for(
    market: Market,
    name: str,
    requirement: Requirement,
    sites: Sequence[RegionalFleet],
    demand: Demand,
) -> Sequence[RegionalFleet]:
    """The cheapest sites in the same places for users of another demand.

    Those that are, where the wished machines would carry none of them: a wish that keeps costs
    down keeps them down then, too.
    """
    if demand == market.needs.demand:
        return sites
    other = replace(market, needs=replace(market.needs, demand=demand), is_outlook=True)
    try:
        return cheapest_sites(other, name, requirement.regions, [[site.place] for site in sites])
    except ImpossibleLoadError:
        return sites
