"""Fleets of random loads, with and without limits, against a solver that only counts."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from engine.planning.estimate import estimate
from engine.planning.fleet import Fleet
from engine.planning.needs import needs_of
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.requirement import ImpossibleLoadError, require
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog
from tests.engine.planning.exact_fleets import kinds_in, least_price

CATALOG = Catalog.bundled()
VCPUS_MOST = 48
"""Of the cheapest machines of a load: tables grow with them, and with the machines."""

OF_USERS = {Protocol.HTTP: 8_000, Protocol.WEBSOCKET: 60_000, Protocol.BROWSER: 200}


def random_load(at_random: random.Random) -> Scenario:
    protocol = at_random.choice([*OF_USERS, Protocol.JMETER, Protocol.GRPC])
    users = int(10 ** at_random.uniform(0, 3.6)) % OF_USERS.get(protocol, 4_000) + 1
    return Scenario(
        "any",
        protocol,
        closed([(0, users), (600, users)]),
        requests_per_user_s=at_random.choice([None, at_random.uniform(0.05, 5)]),
        users_per_injector=at_random.choice([None, None, at_random.randint(1, 600)]),
        machines=MachineWishes(spread=at_random.choice([1, 1, 2, 4])),
    )


def random_wishes(at_random: random.Random, free: RegionalFleet, spread: int) -> MachineWishes:
    """Limits around what the cheapest machines take: some too small, most that bind or do not."""
    vcpus = vcpus_of(free)
    machines_max = max(1, free.machines - at_random.randint(-1, 3))
    vcpus_max = max(1, vcpus + at_random.choice([-4, -2, -1, 0, 0, 1, 8]))
    which = at_random.randrange(3)
    return MachineWishes(
        spread=spread,
        machines_max=None if which == 0 else machines_max,
        vcpus_max=None if which == 1 else vcpus_max,
    )


def vcpus_of(site: RegionalFleet) -> int:
    return sum(group.count * group.offering.machine.vcpus for group in site.groups)


def check_load(seed: int) -> None:
    at_random = random.Random(seed)
    provider = at_random.choice(["aws", "azure"])
    region = at_random.choice(list(CATALOG.regions(provider)))
    scenario = random_load(at_random)

    def site_of(wishes: MachineWishes) -> RegionalFleet:
        (site,) = estimate(
            replace(scenario, machines=wishes),
            catalog=CATALOG,
            provider=provider,
            regions=(region,),
        ).fleet.sites
        return site

    requirement = require(scenario)
    needs, (part,) = needs_of(scenario, requirement), requirement.regions
    kinds = kinds_in(CATALOG, provider, region, needs, part)
    if not kinds:
        with pytest.raises(ImpossibleLoadError):
            site_of(scenario.machines)
        return
    free = site_of(scenario.machines)
    assert free.monthly_usd_micros == least_price(kinds, needs.whole(part)), seed
    assert free.least_monthly_usd_micros == free.monthly_usd_micros, f"{seed}: not proven"
    if vcpus_of(free) > VCPUS_MOST:
        return
    wishes = random_wishes(at_random, free, scenario.machines.spread)
    expected = least_price(kinds, needs.whole(part), wishes.machines_max, wishes.vcpus_max)
    try:
        limited = site_of(wishes)
    except ImpossibleLoadError:
        assert expected is None, (seed, wishes)
        return
    assert limited.monthly_usd_micros == expected, (seed, wishes)
    assert limited.least_monthly_usd_micros == limited.monthly_usd_micros, f"{seed}: not proven"
    assert wishes.machines_max is None or limited.machines <= wishes.machines_max
    assert wishes.vcpus_max is None or vcpus_of(limited) <= wishes.vcpus_max


@pytest.mark.parametrize("seed", range(16))
def test_no_fleet_is_cheaper_with_limits_or_without(seed: int) -> None:
    check_load(seed)


@pytest.mark.parametrize("seed", range(3))
def test_the_best_region_within_limits_is_the_cheapest_of_all(seed: int) -> None:
    at_random = random.Random(seed)
    provider = at_random.choice(["aws", "azure"])
    users = at_random.randint(2_000, 60_000)
    scenario = Scenario("any", Protocol.HTTP, closed([(0, users), (600, users)]))

    def fleet_in(region: str, wishes: MachineWishes) -> Fleet:
        return estimate(
            replace(scenario, machines=wishes),
            catalog=CATALOG,
            provider=provider,
            regions=(region,),
        ).fleet

    free = fleet_in("any", MachineWishes())
    wishes = MachineWishes(machines_max=max(1, free.machines - 1))
    every = [fleet_in(region, wishes).usd_micros for region in CATALOG.regions(provider)]
    # Ranks are exact, and amounts are rounded.
    assert abs(fleet_in("any", wishes).usd_micros - min(every)) <= 1


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_no_fleet_of_500_loads_is_cheaper_with_limits_or_without() -> None:
    for seed in range(2_000, 2_500):
        check_load(seed)
