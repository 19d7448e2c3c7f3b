"""Machines: the cheapest machine type of a region, in the number that carries its users.

Burstable types are left out: their processors are throttled, or billed extra, just when a load
generator needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.planning.capacity import (
    GIVEN,
    INTERNET_MBPS_BELOW_32_VCPUS,
    STANDARD_INJECTOR,
    Capacity,
    Demand,
    Host,
    capacity_of,
)
from engine.planning.places import Place
from engine.planning.requirement import RegionRequirement
from pricing.catalog import Catalog, MachineType, Offering

HOURS_PER_MONTH = 730
"""The convention by which both clouds turn monthly prices into hourly ones."""

ONE_IMAGE_A_LAUNCH = frozenset({"azure"})
"""Clouds whose create call names one image, which boots on one architecture alone.
https://learn.microsoft.com/azure/virtual-machine-scale-sets/instance-mix-overview
"""

_VCPUS_WITH_HALF_TO_THE_INTERNET = 32


@dataclass(frozen=True, slots=True)
class FleetGroup:
    """The machines in one region.

    Attributes:
        offering: Machine type and price.
        count: Machines, those for reference injectors among them.
        users: Most users at once that they carry.
        users_per_machine: What one of them could carry.
        binding: What bounds that: ``cpu``, ``memory``, ``sockets``, ``network``, or ``given``.
        place: Where, and for which region of the scenario.
    """

    offering: Offering
    count: int
    users: int
    users_per_machine: int
    binding: str
    place: Place


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine type worth looking at: no other has as much of everything for less.

    Attributes:
        offering: Machine type and price.
        host: What it offers to a load engine.
        monthly_usd_micros: Its price for 730 hours with its disk and its public address.
    """

    offering: Offering
    host: Host
    monthly_usd_micros: int


def cheapest_group(
    region: RegionRequirement,
    place: Place,
    demand: Demand,
    payload: int | None,
    catalog: Catalog,
    provider: str,
) -> FleetGroup | None:
    """The cheapest machines that carry a region's users; None: no machine carries a single one.

    Args:
        region: Users and injectors there.
        place: Where it is on this cloud.
        demand: What one user takes.
        payload: Users per standard injector, if the scenario fixes it: then machines host whole
            injectors instead of users by the capacity model.
        catalog: Machine types and prices.
        provider: ``aws`` or ``azure``.
    """
    best: tuple[tuple[int, int, str], FleetGroup] | None = None
    for candidate in candidates(catalog, provider, place.region):
        if best is not None and candidate.monthly_usd_micros > best[0][0]:
            break  # they come by price: one of any other already costs more
        sized = _sized(region, candidate.host, demand, payload)
        if sized is None:
            continue
        capacity, count = sized
        count += region.reference_injectors
        offering = candidate.offering
        rank = (count * candidate.monthly_usd_micros, count, offering.machine.name)
        if best is None or rank < best[0]:
            group = FleetGroup(
                offering, count, region.users, capacity.users, capacity.binding, place
            )
            best = (rank, group)
    return None if best is None else best[1]


def stand_ins(
    group: FleetGroup, demand: Demand, payload: int | None, catalog: Catalog, most: int
) -> tuple[Offering, ...]:
    """Other machine types that carry as much each as the group's have to, cheapest first.

    For when the region has none left of the group's own type: then price comes second. They go
    into the same create call, so they are such as it may name together.
    """
    chosen = group.offering.machine
    region = RegionRequirement(None, _ceil_div(group.users, group.count), 1, 0)
    found: list[Offering] = []
    offerings = catalog.offerings(chosen.provider, group.place.region)
    for offering in sorted(offerings, key=lambda each: (each.hourly_usd_micros, each.machine.name)):
        if len(found) == most:
            break
        if offering.machine.burstable or offering.machine == chosen:
            continue
        if chosen.provider in ONE_IMAGE_A_LAUNCH and (
            offering.machine.architecture != chosen.architecture
        ):
            continue
        sized = _sized(region, host_of(offering.machine), demand, payload)
        if sized is not None and sized[1] == 1:
            found.append(offering)
    return tuple(found)


@lru_cache(maxsize=256)
def candidates(catalog: Catalog, provider: str, region: str) -> Sequence[Candidate]:
    """The machine types of a region that can be the cheapest for some load, by price.

    A type is dropped when another one offers at least as much of everything for at most its price:
    it could then never need fewer machines. That leaves a few dozen of several hundred.
    """
    around_usd_micros = (
        catalog.public_ipv4(provider, region).usd_micros * HOURS_PER_MONTH
        + catalog.boot_disk(provider, region).usd_micros
    )
    kept: list[Candidate] = []
    for offering in catalog.offerings(provider, region):
        host = host_of(offering.machine)
        is_beaten = any(_offers_as_much(better.host, host) for better in kept)
        if not offering.machine.burstable and not is_beaten:
            monthly = offering.hourly_usd_micros * HOURS_PER_MONTH + around_usd_micros
            kept.append(Candidate(offering, host, monthly))
    return tuple(kept)


def host_of(machine: MachineType) -> Host:
    """What a machine type offers to a load engine for as long as a test may take.

    AWS publishes a baseline for both directions, of which at most 5 Gbit/s, or from 32 vCPUs on
    half, go to the internet. Azure limits what is sent only, and has no burst
    (https://learn.microsoft.com/azure/virtual-network/virtual-machine-network-throughput).
    """
    if machine.provider == "azure":
        return Host(machine.vcpus, machine.memory_mib, machine.network_burst_mbps, None)
    baseline = machine.network_baseline_mbps
    if baseline is not None:
        to_internet = INTERNET_MBPS_BELOW_32_VCPUS
        if machine.vcpus >= _VCPUS_WITH_HALF_TO_THE_INTERNET:
            to_internet = max(to_internet, baseline // 2)
        baseline = min(baseline, to_internet)
    return Host(machine.vcpus, machine.memory_mib, baseline, baseline)


def _sized(
    region: RegionRequirement, host: Host, demand: Demand, payload: int | None
) -> tuple[Capacity, int] | None:
    """What one machine carries, and how many carry the region's users."""
    if payload is None:
        capacity = capacity_of(host, demand)
        return (capacity, _ceil_div(region.users, capacity.users)) if capacity.users else None
    # A fixed payload replaces what the model knows of the processor; the other bounds stay.
    hosted = host.vcpus // STANDARD_INJECTOR.vcpus
    other = capacity_of(host, replace(demand, payload=None, paced=False))
    if not hosted or not other.users:
        return None
    count = max(_ceil_div(region.injectors, hosted), _ceil_div(region.users, other.users))
    by_payload = Capacity(hosted * payload, GIVEN)
    return min(by_payload, other, key=lambda capacity: capacity.users), count


def _offers_as_much(one: Host, other: Host) -> bool:
    return (
        one.vcpus >= other.vcpus
        and one.memory_mib >= other.memory_mib
        and _at_least(one.send_mbps, other.send_mbps)
        and _at_least(one.receive_mbps, other.receive_mbps)
    )


def _at_least(one: int | None, other: int | None) -> bool:
    """Whether a bandwidth is known to be as good; an unknown one is like nothing but another."""
    if one is None or other is None:
        return one is other
    return one >= other


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
