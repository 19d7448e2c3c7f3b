"""Costs: what machines and everything around them cost for the time of a test.

Each item comes with the range in which it may turn out: machines may take shorter or longer to
start, a price may be known as a range only, and requests may be smaller or larger than assumed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.planning.machines import HOURS_PER_MONTH, FleetGroup
from pricing.catalog import BILLING_RULES, Catalog, Price
from pricing.money import SECONDS_PER_HOUR, cost_of_time, divide_half_up

BYTES_PER_GB = 10**9

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
    groups: Sequence[FleetGroup],
    *,
    duration_s: int,
    traffic: Traffic,
    catalog: Catalog,
) -> tuple[CostItem, ...]:
    """What the machines of all regions cost, item by item.

    Machines are billed from their start to the end of the test, by the cloud's rule; ``machines``
    is the test's own time and ``start-up`` the rest of it. The sum of the items is the cost.
    """
    rule = BILLING_RULES[provider]
    billed_s = START_UP_S[provider].map(
        lambda start_up_s: rule.billed_seconds(start_up_s + duration_s)
    )
    sums: dict[str, Span] = {}
    for group, paid_bytes in zip(groups, traffic.paid_bytes(), strict=True):
        for name, cost in (
            *_machine_costs(group, duration_s, billed_s),
            *_surrounding_costs(group, billed_s, catalog),
            ("egress", _egress_cost(group, paid_bytes, catalog)),
        ):
            sums[name] = sums.get(name, Span(0, 0, 0)).join(cost, operator.add)
    return tuple(
        CostItem(name, cost.expected, low_usd_micros=cost.low, high_usd_micros=cost.high)
        for name, cost in sums.items()
    )


def _machine_costs(
    group: FleetGroup, duration_s: int, billed_s: Span
) -> Iterator[tuple[str, Span]]:
    hourly_usd_micros = group.offering.hourly_usd_micros * group.count
    own = cost_of_time(hourly_usd_micros, duration_s)
    whole = billed_s.map(lambda seconds: cost_of_time(hourly_usd_micros, seconds))
    yield "machines", Span(own, own, own)
    yield "start-up", whole.map(lambda cost: cost - own)


def _surrounding_costs(
    group: FleetGroup, billed_s: Span, catalog: Catalog
) -> Iterator[tuple[str, Span]]:
    provider, region = group.offering.machine.provider, group.offering.region
    month_s = HOURS_PER_MONTH * SECONDS_PER_HOUR
    for name, price, period_s in (
        ("disks", catalog.boot_disk(provider, region), month_s),
        ("public addresses", catalog.public_ipv4(provider, region), SECONDS_PER_HOUR),
    ):

        def cost(usd_micros: int, seconds: int, period_s: int = period_s) -> int:
            return divide_half_up(usd_micros * group.count * seconds, period_s)

        yield name, _price_span(price).join(billed_s, cost)


def _egress_cost(group: FleetGroup, paid_bytes: Span, catalog: Catalog) -> Span:
    price = catalog.egress(group.offering.machine.provider, group.offering.region)
    return _price_span(price).join(
        paid_bytes, lambda usd_micros, count: divide_half_up(usd_micros * count, BYTES_PER_GB)
    )


def _price_span(price: Price) -> Span:
    low, high = price.low_usd_micros, price.high_usd_micros
    return Span(
        price.usd_micros if low is None else low,
        price.usd_micros,
        price.usd_micros if high is None else high,
    )
