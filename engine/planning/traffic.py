"""Traffic: what the machines send and receive, and what that costs.

Costs here are in micro-dollars for ``BYTES_PER_GB`` bytes: exact, to be rounded once by whoever
sums them up.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.planning.capacity.assumed import (
    ASSUMED_SIZE_HIGH_PERCENT,
    ASSUMED_SIZE_LOW_PERCENT,
    PACE_HIGH_PERCENT,
    PACE_LOW_PERCENT,
)
from engine.planning.ranges import Span, price_expected, price_high, price_low, price_span
from kernel.division import ceil_div
from pricing.catalog import Catalog, NatPrices, egress_cost
from pricing.money import BYTES_PER_GB, SECONDS_PER_HOUR


class Traffic(Struct, frozen=True):
    """What the machines send and receive.

    Attributes:
        requests: Requests in all, from each region.
        request_bytes: Bytes of each.
        response_bytes: Bytes of the response to each.
        is_assumed: The scenario does not say the size of requests.
        are_responses_assumed: Nor that of responses.
        body_bytes: Of ``request_bytes``, what is no assumption: the bodies that the scenario says.
        is_pace_assumed: Nobody says how many requests a user makes.
    """

    requests: tuple[int, ...]
    request_bytes: int
    is_assumed: bool
    response_bytes: int = 0
    are_responses_assumed: bool = False
    body_bytes: int = 0
    is_pace_assumed: bool = False

    def paid_bytes(self, provider: str) -> tuple[Span, ...]:
        """Bytes sent from each region beyond those that the cloud gives away.

        The low figures take the month's free ones as unused, the others as used up.
        """
        free_bytes = CLOUDS[provider].prices.free_egress_gb * BYTES_PER_GB
        sent = [self._sent_bytes(count) for count in self.requests]
        all_low = sum(each.low for each in sent)
        billed_low = max(0, all_low - free_bytes)
        return tuple(
            Span(each.low * billed_low // max(1, all_low), each.expected, each.high)
            for each in sent
        )

    def carried_bytes(self) -> tuple[Span, ...]:
        """Bytes of each region in both directions."""
        return tuple(
            self._sent_bytes(count).join(
                self._paced(_sized(count * self.response_bytes, self.are_responses_assumed)),
                operator.add,
            )
            for count in self.requests
        )

    def _sent_bytes(self, requests: int) -> Span:
        """Bytes of so many requests; only what is assumed of them has a range."""
        bodies = requests * self.body_bytes
        rest = _sized(requests * (self.request_bytes - self.body_bytes), self.is_assumed)
        return self._paced(rest.map(lambda count: bodies + count))

    def _paced(self, sizes: Span) -> Span:
        """With fewer and more requests, where their number rests on an assumed pace."""
        if not self.is_pace_assumed:
            return sizes
        return Span(
            sizes.low * PACE_LOW_PERCENT // 100,
            sizes.expected,
            sizes.high * PACE_HIGH_PERCENT // 100,
        )


def egress_of(catalog: Catalog, provider: str, region: str, paid_bytes: Span) -> Span:
    """What sending costs from a region, tier by tier; each part of a load by itself."""
    tiers = catalog.egress_tiers(provider, region)
    cost = partial(egress_cost, tiers, free_gb=CLOUDS[provider].prices.free_egress_gb)
    return Span(
        cost(paid_bytes.low, price_low),
        cost(paid_bytes.expected, price_expected),
        cost(paid_bytes.high, price_high),
    )


def nat_of(
    catalog: Catalog, provider: str, region: str, carried_bytes: Span, billed_s: Span
) -> Span | None:
    """What one NAT gateway costs for all machines of a part of a load; None: nobody knows there.

    Each hour that begins is billed, for the gateway and for its own public address; at the least it
    is there anyway, and only the traffic is added.
    """
    prices = catalog.nat(provider, region)
    if prices is None:
        return None
    hourly = _hourly(prices, catalog, provider, region)
    hours = billed_s.map(lambda seconds: ceil_div(seconds, SECONDS_PER_HOUR))
    by_time = hourly.join(hours, operator.mul).map(lambda usd: usd * BYTES_PER_GB)
    by_bytes = price_span(prices.gigabyte).join(carried_bytes, operator.mul)
    return Span(0, by_time.expected, by_time.high).join(by_bytes, operator.add)


def sum_of(spans: Sequence[Span]) -> Span:
    """All lows, all expected figures and all highs."""
    total = Span(0, 0, 0)
    for each in spans:
        total = total.join(each, operator.add)
    return total


def _hourly(prices: NatPrices, catalog: Catalog, provider: str, region: str) -> Span:
    address = price_span(catalog.public_ipv4(provider, region))
    return price_span(prices.hour).join(address, operator.add)


def _sized(count: int, is_assumed: bool) -> Span:
    if not is_assumed:
        return Span(count, count, count)
    return Span(
        count * ASSUMED_SIZE_LOW_PERCENT // 100, count, count * ASSUMED_SIZE_HIGH_PERCENT // 100
    )
