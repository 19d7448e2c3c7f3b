"""A figure with the range in which it may turn out."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from pricing.catalog import Price


class Span(Struct, frozen=True):
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


def price_span(price: Price) -> Span:
    """A price that is known is itself; an estimated one has a range."""
    return Span(price_low(price), price.usd_micros, price_high(price))


def price_low(price: Price) -> int:
    """The least that a price may be, in micro-dollars."""
    return price.usd_micros if price.low_usd_micros is None else price.low_usd_micros


def price_expected(price: Price) -> int:
    """The price, or what an estimated one counts at, in micro-dollars."""
    return price.usd_micros


def price_high(price: Price) -> int:
    """The most that a price may be, in micro-dollars."""
    return price.usd_micros if price.high_usd_micros is None else price.high_usd_micros
