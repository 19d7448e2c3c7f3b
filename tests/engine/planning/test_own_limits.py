"""Limits that a fleet keeps to already change nothing: not its price, and no load is refused."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from engine.planning.estimate import estimate
from engine.planning.fleet import Fleet
from engine.planning.requirement import ImpossibleLoadError
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()


def load(protocol: Protocol, users: int, vcpus_max: int | None = None) -> Scenario:
    return Scenario(
        "any",
        protocol,
        closed([(0, users), (600, users)]),
        machines=MachineWishes(vcpus_max=vcpus_max),
    )


def fleet_of(scenario: Scenario, provider: str, region: str) -> Fleet:
    return estimate(scenario, catalog=CATALOG, provider=provider, regions=(region,)).fleet


def vcpus_of(fleet: Fleet) -> int:
    return sum(group.count * group.offering.machine.vcpus for group in fleet.groups)


def check_own_limits(seed: int) -> None:
    at_random = random.Random(seed)
    provider = at_random.choice(["aws", "azure"])
    region = at_random.choice(list(CATALOG.regions(provider)))
    protocol, most = at_random.choice(list(Protocol)), at_random.choice([300, 5_000, 40_000])
    free = load(protocol, at_random.randint(1, most))
    fleet = fleet_of(free, provider, region)
    machines, vcpus = fleet.machines, vcpus_of(fleet)
    for wishes in (
        MachineWishes(machines_max=machines),
        MachineWishes(vcpus_max=vcpus),
        MachineWishes(machines_max=machines, vcpus_max=vcpus),
    ):
        limited = fleet_of(replace(free, machines=wishes), provider, region)
        assert limited.usd_micros == fleet.usd_micros, (provider, region, free, wishes)


@pytest.mark.parametrize("seed", range(12))
def test_a_load_fits_the_limits_of_its_own_fleet(seed: int) -> None:
    check_own_limits(seed)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_500_loads_fit_the_limits_of_their_own_fleets() -> None:
    for seed in range(1_000, 1_500):
        check_own_limits(seed)


def test_browsers_in_canada_fit_the_processors_that_they_take() -> None:
    free = fleet_of(load(Protocol.BROWSER, 2_546), "aws", "ca-central-1")
    limited = fleet_of(
        load(Protocol.BROWSER, 2_546, vcpus_max=vcpus_of(free)), "aws", "ca-central-1"
    )
    assert limited.usd_micros == free.usd_micros


def test_a_refusal_names_what_is_short() -> None:
    with pytest.raises(ImpossibleLoadError) as refused:
        fleet_of(load(Protocol.BROWSER, 2_546, vcpus_max=500), "aws", "ca-central-1")
    vcpus = refused.value.facts["vcpus_min"]
    assert isinstance(vcpus, int)
    assert f"and {vcpus} vCPUs, each with the fewest of them" in refused.value.message
    assert fleet_of(load(Protocol.BROWSER, 2_546, vcpus_max=vcpus), "aws", "ca-central-1")
    with pytest.raises(ImpossibleLoadError):
        fleet_of(load(Protocol.BROWSER, 2_546, vcpus_max=vcpus - 1), "aws", "ca-central-1")
