"""Machines: the types that a region offers, what each offers to a load engine, and which count.

Burstable types are left out: their processors are throttled, or billed extra, just when a load
generator needs them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.capacity import Host
from engine.planning.vcpu_speeds import ALIKE, VcpuSpeed, speed_of
from engine.scenario import MachineWishes
from pricing.catalog import Catalog, MachineType, Offering
from pricing.money import SECONDS_PER_HOUR, divide_half_up

HOURS_PER_MONTH = 730
"""The convention by which clouds turn monthly prices into hourly ones."""

MONTH_S = HOURS_PER_MONTH * SECONDS_PER_HOUR

_Alike = tuple[bool, bool, int | None]
_Sizes = tuple[int, int, int, int]


class Candidate(Struct, frozen=True):
    """A machine type worth looking at: no other has as much of everything for less.

    Attributes:
        offering: Machine type and price.
        host: What it offers to a load engine.
        monthly_usd_micros: Its price for 730 hours with its disk and any public address. All
            machines of a cloud are billed for the same seconds of a test, so what is cheapest by
            the month is cheapest for any test.
    """

    offering: Offering
    host: Host
    monthly_usd_micros: int


def candidates(
    catalog: Catalog,
    provider: str,
    region: str,
    wishes: MachineWishes,
    without: frozenset[str] = frozenset(),
    unmeasured_percent: int | None = None,
) -> Sequence[Candidate]:
    """The machine types of a region that can be the cheapest for some load, by price.

    Those that are named in ``without`` are as if they did not exist. What a processor counts that
    nobody measured says ``unmeasured_percent``; None: as the slowest that was.
    """
    return _candidates(
        catalog,
        provider,
        region,
        replace(wishes, machines_max=None, vcpus_max=None, mixed=True, spread=1),
        without,
        unmeasured_percent,
        counts_vcpus=wishes.vcpus_max is not None,
    )


def is_wished(machine: MachineType, wishes: MachineWishes) -> bool:
    """Whether the type may be asked for."""
    return (
        not machine.burstable
        and (not wishes.families or machine.family in wishes.families)
        and wishes.architecture in {None, machine.architecture}
        and (not wishes.types or machine.name in wishes.types)
        and (wishes.vcpus_each_max is None or machine.vcpus <= wishes.vcpus_each_max)
    )


@lru_cache(maxsize=512)
def _candidates(
    catalog: Catalog,
    provider: str,
    region: str,
    wishes: MachineWishes,
    without: frozenset[str],
    unmeasured_percent: int | None,
    *,
    counts_vcpus: bool,
) -> Sequence[Candidate]:
    """A type is dropped when another one offers as much of everything for at most its price.

    It could then never need fewer machines; nor fewer processors, where those count. That leaves a
    few dozen of several hundred.
    """
    around_usd_micros = around_monthly_usd_micros(catalog, provider, region, nat=wishes.nat)
    kept: list[Candidate] = []
    cheaper: defaultdict[_Alike, list[_Sizes]] = defaultdict(list)
    for offering in catalog.offerings(provider, region):
        if not is_wished(offering.machine, wishes) or offering.machine.name in without:
            continue
        host = host_in(catalog, offering.machine, wishes, unmeasured_percent)
        rivals = cheaper[_alike(host, counts_vcpus=counts_vcpus)]
        sizes = _sizes(host)
        if not _outdone(sizes, rivals):
            rivals.append(sizes)
            monthly = offering.hourly_usd_micros * HOURS_PER_MONTH + around_usd_micros
            kept.append(Candidate(offering, host, monthly))
    return tuple(kept)


def around_monthly_usd_micros(catalog: Catalog, provider: str, region: str, *, nat: bool) -> int:
    """What one machine's disk and, unless it is behind a NAT gateway, its address cost a month."""
    disk = catalog.boot_disk(provider, region).usd_micros
    if nat:
        return disk
    return disk + catalog.public_ipv4(provider, region).usd_micros * HOURS_PER_MONTH


def cost_by_time(monthly_usd_micros: int, duration_s: int) -> int:
    """What costs so much for 730 hours costs for some seconds, rounded half up."""
    return divide_half_up(monthly_usd_micros * duration_s, MONTH_S)


def host_in(
    catalog: Catalog,
    machine: MachineType,
    wishes: MachineWishes,
    unmeasured_percent: int | None = None,
) -> Host:
    """What a machine type offers, its processors counted by their speed unless wished alike."""
    alike = wishes.cores_alike
    return host_of(machine, ALIKE if alike else speed_of(catalog, machine, unmeasured_percent))


def host_of(machine: MachineType, speed: VcpuSpeed = ALIKE) -> Host:
    """What a machine type of that speed offers to a load engine for as long as a test may take.

    How its cloud limits its traffic with the internet says the cloud's ``InternetRule``.
    """
    rule = CLOUDS[machine.provider].internet
    mbps = machine.network_baseline_mbps if rule.sustained else machine.network_burst_mbps
    if mbps is not None and rule.mbps_max is not None:
        allowed = rule.mbps_max
        if rule.half_from_vcpus is not None and machine.vcpus >= rule.half_from_vcpus:
            allowed = max(allowed, mbps // 2)
        mbps = min(mbps, allowed)
    receive_mbps = mbps if rule.limits_receiving else None
    return Host(
        machine.vcpus, machine.memory_mib, mbps, receive_mbps, speed.percent, speed.core_percent
    )


def _alike(host: Host, *, counts_vcpus: bool) -> _Alike:
    """Only hosts of which the same is known are compared; and the same vCPUs, where they count."""
    return (
        host.send_mbps is None,
        host.receive_mbps is None,
        host.vcpus if counts_vcpus else None,
    )


def _sizes(host: Host) -> _Sizes:
    return host.work, host.memory_mib, host.send_mbps or 0, host.receive_mbps or 0


def _outdone(sizes: _Sizes, rivals: list[_Sizes]) -> bool:
    """Whether one of the rivals offers as much of everything.

    That one moves to the front: it outdoes most of what comes next as well.
    """
    work, memory_mib, send_mbps, receive_mbps = sizes
    for at, rival in enumerate(rivals):
        if (
            rival[0] >= work
            and rival[1] >= memory_mib
            and rival[2] >= send_mbps
            and rival[3] >= receive_mbps
        ):
            rivals.insert(0, rivals.pop(at))
            return True
    return False
