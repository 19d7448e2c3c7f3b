"""Fleet outlook: the machines that a test takes if its users turn out lighter, or heavier.

How many users a machine carries lies in a range, and so do the machines and what they cost. A run
launches the expected ones; the others say what a later choice may have to be. Where nobody measured
how much the machines' processors do, or where users were measured on a computer of which nobody
knows that, the range is wide.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.planning.capacity import GIVEN, Demand
from engine.planning.fleet import Fleet, Market, cheapest_sites, market_of
from engine.planning.needs import Needs
from engine.planning.places import CandidateRegion
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.requirement import ImpossibleLoadError, Requirement
from engine.planning.vcpu_speeds import is_measured, lone_core_range, unmeasured_range
from engine.scenario import Scenario
from kernel.division import ceil_div
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
        _for(market, scenario.name, requirement, sites, needs)
        for needs in _ends(market, scenario, requirement, sites)
    )
    # Those that are carry lighter users, too, and what was found for them may not be the cheapest.
    return market.fleet(sites, min(lighter, sites, key=_monthly), heavier)


def _monthly(sites: Sequence[RegionalFleet]) -> int:
    return sum(site.monthly_usd_micros for site in sites)


def _ends(
    market: Market,
    scenario: Scenario,
    requirement: Requirement,
    sites: Sequence[RegionalFleet],
) -> tuple[Needs, Needs]:
    """What the machines have to carry at least, and at most."""
    needs, catalog = market.needs, market.catalog
    demands = (requirement.at_least.demand, requirement.at_most.demand)
    speeds: tuple[int | None, int | None] = (None, None)
    if not needs.candidate_wishes.cores_alike:
        if scenario.measured is not None and not scenario.measured.is_speed_known:
            low, high = lone_core_range(catalog)
            demands = _with_processor(demands[0], low), _with_processor(demands[1], high)
        machines = [group.offering.machine for site in sites for group in site.groups]
        if not all(is_measured(catalog, machine) for machine in machines):
            slow, fast = unmeasured_range(catalog)
            speeds = fast, slow
    lighter, heavier = (
        replace(needs, demand=demand, unmeasured_percent=percent)
        for demand, percent in zip(demands, speeds, strict=True)
    )
    return lighter, heavier


def _with_processor(demand: Demand, percent: int) -> Demand:
    """The same with so much of the processor time."""
    time_us = demand.processor_us_per_request
    if time_us is None:
        return demand
    return replace(demand, processor_us_per_request=max(1, ceil_div(time_us * percent, 100)))


def _for(
    market: Market,
    name: str,
    requirement: Requirement,
    sites: Sequence[RegionalFleet],
    needs: Needs,
) -> Sequence[RegionalFleet]:
    """The cheapest sites in the same places for other needs.

    Those that are, where the wished machines would carry none of them: a wish that keeps costs
    down keeps them down then, too.
    """
    if needs == market.needs:
        return sites
    other = replace(market, needs=needs, is_outlook=True)
    try:
        return cheapest_sites(other, name, requirement.regions, [[site.place] for site in sites])
    except ImpossibleLoadError:
        return sites
