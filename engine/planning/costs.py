"""Costs: what machines and everything around them cost for the time of a test.

Each item comes with the range in which it may turn out: users may take less or more of a machine,
machines may take shorter or longer to start, a price may be known as a range only, and requests may
be fewer, more, smaller or larger than assumed.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.planning.machines import HOURS_PER_MONTH, cost_by_time
from engine.planning.ranges import Span, price_span
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.traffic import Traffic, egress_of, nat_of, sum_of
from pricing.catalog import Catalog
from pricing.money import BYTES_PER_GB, divide_half_up

MACHINES, START_UP, DISKS, ADDRESSES = "machines", "start-up", "disks", "public addresses"
BY_TIME = (MACHINES, START_UP, DISKS, ADDRESSES)
"""Items whose sum is billed by time, machine by machine."""

EGRESS, NAT_GATEWAY = "egress", "NAT gateway"


class CostItem(Struct, frozen=True):
    """One part of a cost, with the range in which it may turn out."""

    name: str
    usd_micros: int
    low_usd_micros: int
    high_usd_micros: int


class Machines(Struct, frozen=True):
    """The machines of a test, and those that it takes if its users turn out otherwise.

    Attributes:
        sites: One for each part of the load.
        lighter: The same if users take as little as they may.
        heavier: If they take as much as they may.
    """

    sites: tuple[RegionalFleet, ...]
    lighter: tuple[RegionalFleet, ...]
    heavier: tuple[RegionalFleet, ...]

    def by_place(self) -> Sequence[tuple[RegionalFleet, RegionalFleet, RegionalFleet]]:
        """The machines of each part of the load: lighter, expected and heavier."""
        return list(zip(self.lighter, self.sites, self.heavier, strict=True))


def cost_items(
    provider: str,
    machines: Machines,
    *,
    duration_s: int,
    traffic: Traffic,
    nat: bool,
    catalog: Catalog,
) -> tuple[CostItem, ...]:
    """What the machines of all regions cost, item by item.

    Machines are billed from their start to the end of the test, by the cloud's rule; ``machines``
    is the test's own time and ``start-up`` the rest of it. The sum of the items is the cost. It is
    rounded once for all that is billed by time, and an item is what its rounded sum adds: so a
    fleet that is cheaper by the month never costs more.

    Behind a NAT gateway machines have no public addresses. Where nobody knows what a gateway costs
    it has no item: what is not known is not zero, and the estimate says so.
    """
    billed_s = billed_seconds(provider, duration_s)
    costs = {
        **_time_costs(machines, duration_s, billed_s, nat=nat, catalog=catalog),
        EGRESS: _by_bytes(
            [
                egress_of(catalog, provider, site.place.region, paid_bytes)
                for site, paid_bytes in zip(
                    machines.sites, traffic.paid_bytes(provider), strict=True
                )
            ]
        ),
    }
    gateways = [
        nat_of(catalog, provider, site.place.region, carried_bytes, billed_s)
        for site, carried_bytes in zip(machines.sites, traffic.carried_bytes(), strict=True)
        if nat
    ]
    known = [each for each in gateways if each is not None]
    if known and len(known) == len(gateways):
        costs[NAT_GATEWAY] = _by_bytes(known)
    return tuple(
        CostItem(name, cost.expected, low_usd_micros=cost.low, high_usd_micros=cost.high)
        for name, cost in costs.items()
    )


def highest_by_time(
    provider: str,
    sites: tuple[RegionalFleet, ...],
    *,
    duration_s: int,
    nat: bool,
    catalog: Catalog,
) -> int:
    """The most that these very machines, and what is billed by time with them, may cost."""
    only = Machines(sites, sites, sites)
    billed_s = billed_seconds(provider, duration_s)
    costs = _time_costs(only, duration_s, billed_s, nat=nat, catalog=catalog)
    return sum(cost.high for cost in costs.values())


def billed_seconds(provider: str, duration_s: int) -> Span:
    """Seconds on the bill of every machine of a test."""
    cloud = CLOUDS[provider]
    rule, start_up = cloud.prices.billing, cloud.start_up
    return Span(start_up.low_s, start_up.expected_s, start_up.high_s).map(
        lambda start_up_s: rule.billed_seconds(start_up_s + duration_s)
    )


def _time_costs(
    fleets: Machines, duration_s: int, billed_s: Span, *, nat: bool, catalog: Catalog
) -> dict[str, Span]:
    """What is billed by time; exact sums are in micro-dollars for the seconds of a month."""
    none = Span(0, 0, 0)
    hourly, addresses, disks = none, none, none
    for sites in fleets.by_place():
        place = sites[1].place
        hourly = hourly.join(Span(*map(_hourly, sites)), operator.add)
        number = Span(*(site.machines for site in sites))
        disk = price_span(catalog.boot_disk(place.provider, place.region))
        disks = disks.join(disk.join(number, operator.mul), operator.add)
        if not nat:
            address = price_span(catalog.public_ipv4(place.provider, place.region))
            addresses = addresses.join(address.join(number, operator.mul), operator.add)
    monthly = hourly.map(lambda usd: usd * HOURS_PER_MONTH)
    own = monthly.map(lambda usd: usd * duration_s)
    exact = {
        MACHINES: own,
        START_UP: monthly.join(billed_s, operator.mul).join(own, operator.sub),
        DISKS: disks.join(billed_s, operator.mul),
        ADDRESSES: addresses.map(lambda usd: usd * HOURS_PER_MONTH).join(billed_s, operator.mul),
    }
    rounded, so_far, rounded_so_far = [], none, none
    for cost in exact.values():
        so_far = so_far.join(cost, operator.add)
        total = so_far.map(_by_month)
        rounded.append(total.join(rounded_so_far, operator.sub))
        rounded_so_far = total
    return dict(zip(exact, _in_order(rounded), strict=True))


def _hourly(site: RegionalFleet) -> int:
    return sum(group.hourly_usd_micros for group in site.groups)


def _by_month(usd_micros: int) -> int:
    """A sum in micro-dollars for the seconds of a month, rounded."""
    return cost_by_time(usd_micros, 1)


def _in_order(items: Sequence[Span]) -> list[Span]:
    """The items, each with its low figure at most, and its high one at least, what is expected.

    Rounding a sum can leave an item a micro-dollar out of order; another item that has room takes
    it over, so that all sums stay.
    """
    expected = [each.expected for each in items]
    low = _at_most([each.low for each in items], expected)
    high = _at_most([-each.high for each in items], [-each for each in expected])
    return [Span(*each) for each in zip(low, expected, (-each for each in high), strict=True)]


def _at_most(figures: Sequence[int], bounds: Sequence[int]) -> list[int]:
    """Each figure at most its bound, and the same sum, as far as the bounds have room for it."""
    within = [min(figure, bound) for figure, bound in zip(figures, bounds, strict=True)]
    excess = sum(figures) - sum(within)
    for number, bound in enumerate(bounds):
        moved = min(excess, bound - within[number])
        within[number] += moved
        excess -= moved
    return within


def _by_bytes(exact: Sequence[Span]) -> Span:
    """What is billed by bytes, rounded once."""
    return sum_of(exact).map(lambda total: divide_half_up(total, BYTES_PER_GB))
