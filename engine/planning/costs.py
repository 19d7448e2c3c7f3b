"""Costs: what machines and everything around them cost for the time of a test.

Each item comes with the range in which it may turn out: machines may take shorter or longer to
start, a price may be known as a range only, and requests may be smaller or larger than assumed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.planning.machines import HOURS_PER_MONTH
from engine.planning.sites import Site
from pricing.catalog import BILLING_RULES, Catalog, Price
from pricing.money import SECONDS_PER_HOUR, divide_half_up

BYTES_PER_GB = 10**9

MONTH_S = HOURS_PER_MONTH * SECONDS_PER_HOUR

FREE_EGRESS_BYTES = 100 * BYTES_PER_GB
"""A month and account on both clouds; the low figure takes it as unused, the others as used up."""

ASSUMED_SIZE_LOW_PERCENT, ASSUMED_SIZE_HIGH_PERCENT = 50, 400
"""How far the real size of a request may be from one that had to be assumed."""


@dataclass(frozen=True, slots=True)
class Span:
    """A figure, and the range in which it may turn out."""

    low: int
    expected: int
    high: int

    def map(self, function: Callable[[int], int]) -> Span:
        """The function of each of the three."""
        return Span(function(self.low), function(self.expected), function(self.high))

    def join(self, other: Span, function: Callable[[int, int], int]) -> Span:
        """The function of both lows, of both expected figures, and of both highs."""
        return Span(
            function(self.low, other.low),
            function(self.expected, other.expected),
            function(self.high, other.high),
        )


START_UP_S = {"aws": Span(30, 60, 120), "azure": Span(120, 240, 540)}
"""Seconds from the first that is billed until the load engine is ready.

AWS: https://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html (29 s) and
https://github.com/scylladb/scylla-cluster-tests/issues/11381 (90 s); Azure: the latter (540 s) and
https://github.com/skypilot-org/skypilot/issues/3697 (215 s for one machine).
"""


@dataclass(frozen=True, slots=True)
class CostItem:
    """One part of a cost, with the range in which it may turn out."""

    name: str
    usd_micros: int
    low_usd_micros: int
    high_usd_micros: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the machines send.

    Attributes:
        requests: Requests in all, from each region.
        request_bytes: Bytes of each.
        is_assumed: The scenario does not say the size.
    """

    requests: tuple[int, ...]
    request_bytes: int
    is_assumed: bool

    def paid_bytes(self) -> tuple[Span, ...]:
        """Bytes that are billed from each region."""
        low, high = (
            (ASSUMED_SIZE_LOW_PERCENT, ASSUMED_SIZE_HIGH_PERCENT) if self.is_assumed else (100, 100)
        )
        sent = [count * self.request_bytes for count in self.requests]
        all_low = sum(sent) * low // 100
        billed_low = max(0, all_low - FREE_EGRESS_BYTES)
        return tuple(
            Span(
                low=count * low // 100 * billed_low // max(1, all_low),
                expected=count,
                high=count * high // 100,
            )
            for count in sent
        )


def cost_items(
    provider: str,
    sites: Sequence[Site],
    *,
    duration_s: int,
    traffic: Traffic,
    catalog: Catalog,
) -> tuple[CostItem, ...]:
    """What the machines of all regions cost, item by item.

    Machines are billed from their start to the end of the test, by the cloud's rule; ``machines``
    is the test's own time and ``start-up`` the rest of it. The sum of the items is the cost. It is
    rounded once for all that is billed by time, and an item is what its rounded sum adds: so a
    fleet that is cheaper by the month never costs more.
    """
    billed_s = billed_seconds(provider, duration_s)
    costs = {
        **_time_costs(sites, duration_s, billed_s, catalog),
        "egress": _egress_cost(sites, traffic, catalog),
    }
    return tuple(
        CostItem(name, cost.expected, low_usd_micros=cost.low, high_usd_micros=cost.high)
        for name, cost in costs.items()
    )


def billed_seconds(provider: str, duration_s: int) -> Span:
    """Seconds on the bill of every machine of a test."""
    rule = BILLING_RULES[provider]
    return START_UP_S[provider].map(lambda start_up_s: rule.billed_seconds(start_up_s + duration_s))


def _time_costs(
    sites: Sequence[Site], duration_s: int, billed_s: Span, catalog: Catalog
) -> dict[str, Span]:
    """What is billed by time; exact sums are in micro-dollars for the seconds of a month."""
    none = Span(0, 0, 0)
    hourly, addresses, disks = 0, none, none
    for site in sites:
        place, machines = site.place, site.machines
        hourly += sum(group.hourly_usd_micros for group in site.groups)
        number = Span(machines, machines, machines)
        address = _price_span(catalog.public_ipv4(place.provider, place.region))
        disk = _price_span(catalog.boot_disk(place.provider, place.region))
        addresses = addresses.join(address.join(number, operator.mul), operator.add)
        disks = disks.join(disk.join(number, operator.mul), operator.add)
    own = hourly * HOURS_PER_MONTH * duration_s
    exact = {
        "machines": Span(own, own, own),
        "start-up": billed_s.map(lambda seconds: hourly * HOURS_PER_MONTH * seconds - own),
        "disks": disks.join(billed_s, operator.mul),
        "public addresses": addresses.map(lambda usd: usd * HOURS_PER_MONTH).join(
            billed_s, operator.mul
        ),
    }
    costs, so_far, rounded_so_far = {}, none, none
    for name, cost in exact.items():
        so_far = so_far.join(cost, operator.add)
        rounded = so_far.map(lambda total: divide_half_up(total, MONTH_S))
        costs[name] = rounded.join(rounded_so_far, operator.sub)
        rounded_so_far = rounded
    return costs


def _egress_cost(sites: Sequence[Site], traffic: Traffic, catalog: Catalog) -> Span:
    exact = Span(0, 0, 0)
    for site, paid_bytes in zip(sites, traffic.paid_bytes(), strict=True):
        price = _price_span(catalog.egress(site.place.provider, site.place.region))
        exact = exact.join(price.join(paid_bytes, operator.mul), operator.add)
    return exact.map(lambda total: divide_half_up(total, BYTES_PER_GB))


def _price_span(price: Price) -> Span:
    low, high = price.low_usd_micros, price.high_usd_micros
    return Span(
        price.usd_micros if low is None else low,
        price.usd_micros,
        price.usd_micros if high is None else high,
    )
