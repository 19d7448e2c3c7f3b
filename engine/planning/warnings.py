"""Cautions: what somebody should know before trusting, or paying, an estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from engine.planning.cautions import connection_cautions
from engine.planning.cliffs import in_words
from engine.planning.fleet import Fleet
from engine.planning.requirement import HOUSE_TARIFF, Requirement, peak_users, planned_seconds
from engine.planning.script_load import script_warnings
from engine.scenario import Scenario
from kernel.durations import format_duration
from kernel.words import counted
from pricing.catalog import BUNDLED, Catalog, Offering, Price, is_stale
from pricing.money import format_usd
from pricing.tariffs import Cliff, Tariff, load_tariff


def warnings_of(
    scenario: Scenario,
    requirement: Requirement,
    fleets: tuple[Fleet, ...],
    *,
    steps: Sequence[Cliff],
    catalog: Catalog,
    at: date | None,
) -> tuple[str, ...]:
    """One sentence each; those about ages of prices only if the day is known.

    ``steps`` are the cliffs of the own plans; of them the nearest cheaper neighbour is told.
    """
    return (
        *script_warnings(scenario),
        *scenario.left_out_runs,
        *_about_payload(requirement),
        *connection_cautions(scenario, requirement),
        *_about_idle_regions(scenario, requirement),
        *_about_floors(scenario, requirement, load_tariff(HOUSE_TARIFF, at)),
        *[in_words(step) for step in steps if step.is_cheaper][:1],
        *(sentence for fleet in fleets for sentence in _about_places(fleet)),
        *(
            sentence
            for fleet in fleets
            for sentence in _about_prices(fleet, catalog, at, nat=scenario.machines.nat)
        ),
        *_about_catalog(fleets, catalog),
    )


def _about_payload(requirement: Requirement) -> Iterator[str]:
    payload, recommended = (
        requirement.users_per_injector,
        requirement.recommended_users_per_injector,
    )
    if payload > recommended:
        yield (
            f"{counted(payload, 'user')} on an injector, but {recommended:,} are recommended: "
            "an overloaded injector measures itself, not the target"
        )


def _about_idle_regions(scenario: Scenario, requirement: Requirement) -> Iterator[str]:
    busy = {part.region for part in requirement.regions}
    for share in scenario.regions:
        if share.region not in busy:
            yield f"{share.region} gets none of the {counted(peak_users(scenario), 'user')}"


def _about_floors(scenario: Scenario, requirement: Requirement, tariff: Tariff) -> Iterator[str]:
    """What the floor makes of a short test."""
    duration_s = planned_seconds(scenario)
    injectors = requirement.injectors
    floor = tariff.floor_for(injectors)
    if floor is None or duration_s >= floor.minimum_s:
        return
    minimum = format_duration(floor.minimum_s)
    yield (
        f"{format_duration(duration_s)} counts as {minimum} for each of "
        f"{counted(injectors, 'injector')}; a test of {minimum} takes the same LI-minutes"
    )


def _about_places(fleet: Fleet) -> Iterator[str]:
    places = [site.place for site in fleet.sites if site.place.stands_for is not None]
    if places:
        pairs = ", ".join(f"{place.region} for {place.stands_for}" for place in places)
        yield f"{fleet.provider} has other regions: {pairs}"


def _about_prices(fleet: Fleet, catalog: Catalog, at: date | None, *, nat: bool) -> Iterator[str]:
    """Old and estimated prices, each said once with the regions that it is about."""
    regions: dict[str, dict[str, None]] = {}
    for group in fleet.groups:
        for fact in _price_facts(group.offering, catalog, at, nat=nat):
            regions.setdefault(fact, {})[group.offering.region] = None
    for fact, where in regions.items():
        yield f"{fleet.provider} {', '.join(where)}: {fact}"


def _about_catalog(fleets: Sequence[Fleet], catalog: Catalog) -> Iterator[str]:
    """That the prices were refreshed, and where they were not."""
    if catalog.name == BUNDLED:
        return
    refreshed = catalog.refreshed()
    for fleet in fleets:
        regions = dict.fromkeys(site.place.region for site in fleet.sites)
        old = [region for region in regions if (fleet.provider, region) not in refreshed]
        but = f", in which {', '.join(old)} was not refreshed" if old else ""
        yield f"{fleet.provider}: prices are those of the catalogue of {catalog.name}{but}"


def _about_old_list(provider: str, region: str, catalog: Catalog, at: date) -> Iterator[str]:
    """That a region's list is old as a whole: it lacks what has come to the region since."""
    offerings = catalog.offerings(provider, region)
    newest = max(each.as_of for each in offerings)
    if is_stale(newest, at):
        yield (
            f"the list of machines there is of {newest}, with "
            f"{counted(len(offerings), 'machine type')} of {provider}'s "
            f"{len(catalog.machine_types(provider)):,}; newer ones may be cheaper"
        )


def _price_facts(
    offering: Offering, catalog: Catalog, at: date | None, *, nat: bool
) -> Iterator[str]:
    provider, region = offering.machine.provider, offering.region
    around = {
        "disks": catalog.boot_disk(provider, region),
        **_ways_out(catalog, provider, region, nat=nat),
        "egress": catalog.egress(provider, region),
    }
    as_of = {item: price.as_of for item, price in around.items()}
    for item, day in {offering.machine.name: offering.as_of, **as_of}.items():
        if at is not None and is_stale(day, at):
            yield f"the price of {item} is of {day}, more than a year old"
    if at is not None and is_stale(offering.as_of, at):
        yield from _about_old_list(provider, region, catalog, at)
    for item, price in around.items():
        if price.estimated:
            yield f"the price of {item} is estimated{_range(price)}"


def _ways_out(catalog: Catalog, provider: str, region: str, *, nat: bool) -> dict[str, Price]:
    """What machines reach the internet by."""
    if not nat:
        return {"public addresses": catalog.public_ipv4(provider, region)}
    prices = catalog.nat(provider, region)
    if prices is None:
        return {}
    return {"a NAT gateway": prices.hour, "a NAT gateway's traffic": prices.gigabyte}


def _range(price: Price) -> str:
    if price.low_usd_micros is None or price.high_usd_micros is None:
        return ""
    low, high = format_usd(price.low_usd_micros), format_usd(price.high_usd_micros)
    return f": {low} to {high} USD per {price.per}"
