"""The cheapest machines: how long finding them takes, how good they are, and what they save.

Over random loads: users from 1 to 1,000,000 evenly by their logarithm, any protocol, any region.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from statistics import median

from msgspec.structs import replace

from benchmarks.measure import Figure, shown, take_turns
from engine.clouds import CLOUDS
from engine.planning.capacity import demand_of
from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet
from engine.planning.machines import HOURS_PER_MONTH, host_in
from engine.planning.needs import Needs, strength_of
from engine.planning.places import CandidateRegion
from engine.planning.regional_fleet import RegionalFleet, cheapest_site
from engine.planning.requirement import RegionRequirement
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from kernel.division import ceil_div
from loadmuster import estimate
from pricing.catalog import Catalog, Offering

SEED = 20261122
LOADS = 1_000
ROUNDS = 15
MANY_USERS = 100_000
AT = date(2026, 11, 21)
USUAL = {"aws": "c7i.xlarge", "azure": "Standard_D4s_v5"}
"""What everybody takes."""

Made = Callable[[Scenario], Estimate]


@dataclass(frozen=True, slots=True)
class Load:
    """A random load, and the cheapest machines for it."""

    needs: Needs
    part: RegionRequirement
    site: RegionalFleet


def figures(loads: int = LOADS, rounds: int = ROUNDS) -> list[Figure]:
    """Times against an estimate with one type, then gaps and savings over random loads."""
    catalog = Catalog.bundled()
    found = list(_loads(catalog, loads))
    many = [load for load in found if load.needs.whole(load.part) >= MANY_USERS]
    return [
        *_times(catalog, rounds),
        _gap("", found),
        _gap(f" of {MANY_USERS:,} users and more", many),
        _saving("the usual type", found, catalog, _usual),
        _saving("the type with the cheapest vCPU", found, catalog, _cheapest_vcpu),
    ]


def _times(catalog: Catalog, rounds: int) -> Iterator[Figure]:
    scenario = Scenario("timed", Protocol.HTTP, closed([(0, 37_500), (600, 37_500)]))
    one_type = replace(scenario, machines=MachineWishes(mixed=False))
    for name, provider, region, aim in (
        ("in one region", "aws", "us-east-1", "aim: 1 ms"),
        ("over all regions of both clouds", "any", "any", "aim: 10 ms"),
    ):

        def made(
            of: Scenario, provider: str = provider, regions: tuple[str, ...] = (region,)
        ) -> Estimate:
            return estimate(of, catalog=catalog, provider=provider, regions=regions, at=AT)

        uniform = partial(made, one_type)

        def fleet_of(wishes: MachineWishes, made: Made = made) -> Fleet:
            return made(replace(scenario, machines=wishes)).fleet

        for limits, wishes in _limits(fleet_of):
            mixed = partial(made, replace(scenario, machines=wishes))
            turns = take_turns(mixed, uniform, rounds=rounds)
            yield Figure(
                f"one estimate {name}{limits}",
                shown(turns.one_s),
                f"with machines of one type, {shown(turns.other_s)}",
                turns.ratio,
                aim,
                turns.spread,
            )


def _limits(
    fleet_of: Callable[[MachineWishes], Fleet],
) -> Iterator[tuple[str, MachineWishes]]:
    """None, limits that the cheapest machines keep to anyway, and some that they do not."""
    free = fleet_of(MachineWishes())
    machines, vcpus = free.machines, _vcpus(free)
    yield "", MachineWishes()
    yield ", with room for its machines", MachineWishes(machines_max=machines)
    yield ", with room for its vCPUs", MachineWishes(vcpus_max=vcpus)
    both = MachineWishes(machines_max=machines, vcpus_max=vcpus)
    yield ", with room for its machines and vCPUs", both
    fewer = MachineWishes(machines_max=machines - 1)
    yield ", with a machine fewer", fewer
    both = replace(fewer, vcpus_max=_vcpus(fleet_of(fewer)))
    yield ", with a machine fewer, and room for the vCPUs of those", both


def _vcpus(fleet: Fleet) -> int:
    return sum(group.count * group.offering.machine.vcpus for group in fleet.groups)


def _loads(catalog: Catalog, count: int) -> Iterator[Load]:
    rng = random.Random(SEED)  # noqa: S311 - the same loads every time
    while count:
        provider = rng.choice(tuple(CLOUDS))
        place = CandidateRegion(provider, rng.choice(catalog.regions(provider)))
        users = int(10 ** rng.uniform(0, 6))
        scenario = Scenario(
            "load",
            rng.choice(list(Protocol)),
            closed([(0, users), (600, users)]),
            requests_per_user_s=rng.choice([None, rng.uniform(0.05, 10)]),
        )
        needs = Needs(demand_of(scenario))
        part = RegionRequirement(place.region, users, 1, 0)
        site = cheapest_site(part, place, needs, catalog)
        if site is not None and _usual(site, needs, part, catalog) is not None:
            count -= 1
            yield Load(needs, part, site)


def _gap(name: str, loads: Sequence[Load]) -> Figure:
    proven = sum(
        load.site.monthly_usd_micros == load.site.least_monthly_usd_micros for load in loads
    )
    gaps = [load.site.monthly_usd_micros / load.site.linear_monthly_usd_micros for load in loads]
    within = sum(gap <= 1.01 for gap in gaps)
    return Figure(
        f"cheapest machines for {len(loads):,} random loads{name}: {proven:,} proven",
        f"within 1 % in {within:,}, worst {100 * (max(gaps) - 1):.1f} % above",
        "parts of machines (the linear bound)",
        median(gaps),
        "aim: 1.01",
    )


def _saving(
    name: str,
    loads: Sequence[Load],
    catalog: Catalog,
    monthly_of: Callable[[RegionalFleet, Needs, RegionRequirement, Catalog], int | None],
) -> Figure:
    ratios = [
        price / load.site.monthly_usd_micros
        for load in loads
        if (price := monthly_of(load.site, load.needs, load.part, catalog)) is not None
    ]
    return Figure(
        f"{name} for {len(ratios):,} random loads",
        f"median {median(ratios):.2f} times the price, worst {max(ratios):.1f} times",
        "the cheapest machines",
        median(ratios),
        "reported",
    )


def _usual(
    site: RegionalFleet, needs: Needs, part: RegionRequirement, catalog: Catalog
) -> int | None:
    name = USUAL[site.place.provider]
    offerings = catalog.offerings(site.place.provider, site.place.region)
    found = [each for each in offerings if each.machine.name == name]
    return _monthly_of(found[0], needs, part, catalog) if found else None


def _cheapest_vcpu(
    site: RegionalFleet, needs: Needs, part: RegionRequirement, catalog: Catalog
) -> int | None:
    offerings = catalog.offerings(site.place.provider, site.place.region)
    cheapest = min(
        (each for each in offerings if not each.machine.burstable),
        key=lambda each: (each.hourly_usd_micros / each.machine.vcpus, each.machine.vcpus),
    )
    return _monthly_of(cheapest, needs, part, catalog)


def _monthly_of(
    offering: Offering, needs: Needs, part: RegionRequirement, catalog: Catalog
) -> int | None:
    """What machines of that type cost a month; None: they do not carry a single user."""
    own = strength_of(host_in(catalog, offering.machine, needs.candidate_wishes), needs)
    if own is None:
        return None
    provider, region = offering.machine.provider, offering.region
    monthly = (
        offering.hourly_usd_micros + catalog.public_ipv4(provider, region).usd_micros
    ) * HOURS_PER_MONTH + catalog.boot_disk(provider, region).usd_micros
    return ceil_div(needs.whole(part), own.weight(part)) * monthly
