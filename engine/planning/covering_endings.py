"""Endings: what carries the last of a cover without limits, beside whole base pieces.

A cover is whole base pieces and some others. The last of these are looked up, not searched for: of
all single pieces, pairs and threes, those of which no other carries as much for less. Whatever is
missing among them is in no cover of the fewest pieces that is cheapest.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from engine.planning.covering_bound import Piece
from kernel.division import ceil_div

MOST = 3
"""Pieces of an ending."""

_Ending = tuple[int, int, tuple[int, ...]]
"""What it carries, below zero; its price; its pieces, by number."""


class Endings(Struct, frozen=True):
    """The cheapest way to carry any rest with whole base pieces and a few others.

    Attributes:
        base: Which piece is the base.
        carries: What the endings carry, least first.
        prices: Their prices, which rise with it.
        taken: Which pieces each of them is.
        folded: The same for what is left above as many base pieces as an ending may replace: what
            they carry beyond the base pieces that they replace, their prices less those, and which
            of the endings they are.
        saved_most: The most base pieces that an ending replaces.
        side: The pieces beside the base that may be in a cheapest cover, by ``above``.
        above: What each piece costs above the worth of what it carries: that is what it would cost
            in base pieces. Times what the base carries, to be whole.
        least_beyond: The least of that for as many pieces as an ending has at most, none of them
            the base.
    """

    base: Piece
    carries: tuple[int, ...]
    prices: tuple[int, ...]
    taken: tuple[tuple[int, ...], ...]
    folded: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    saved_most: int
    side: tuple[int, ...]
    above: tuple[int, ...]
    least_beyond: float

    def cheapest(self, missing: int) -> tuple[int, int]:
        """Price of the cheapest ending with whole base pieces that carry the rest, and its number.

        How many base pieces there are with it says ``whole``.
        """
        count, rest = divmod(missing, self.base.carries)
        if count >= self.saved_most:
            carries, prices, numbers = self.folded
            at = bisect_left(carries, rest)
            return prices[at] + count * self.base.price, numbers[at]
        found = []
        for whole in range(count + 1):  # no more of them than an ending may save
            at = bisect_left(self.carries, missing - whole * self.base.carries)
            if at < len(self.carries):
                found.append((self.prices[at] + whole * self.base.price, at))
        return min(found)

    def whole(self, missing: int, number: int) -> int:
        """How many base pieces the ending of that number leaves to be taken."""
        return max(0, ceil_div(missing - self.carries[number], self.base.carries))


@lru_cache(maxsize=1_024)
def endings(pieces: tuple[Piece, ...], base: int) -> Endings:
    """The endings of covers with these pieces; the base has the best price for what it carries."""
    singles: list[_Ending] = [(-each.carries, each.price, (i,)) for i, each in enumerate(pieces)]
    found = _cheapest([(0, 0, ()), *singles])
    singles = longest = [each for each in found if each[2]]
    for length in range(2, MOST + 1):
        found = _cheapest([*found, *_with_one_more(longest, singles)])
        longest = [each for each in found if len(each[2]) == length]
        singles = [each for each in found if len(each[2]) == 1]
    whole = pieces[base]
    beyond = [
        price * whole.carries + carries * whole.price
        for carries, price, taken in longest
        if base not in taken
    ]
    above = [each.price * whole.carries - each.carries * whole.price for each in pieces]
    found.reverse()
    most = -found[-1][0]
    return Endings(
        base=whole,
        carries=tuple(-carries for carries, _, _ in found),
        prices=tuple(price for _, price, _ in found),
        taken=tuple(taken for _, _, taken in found),
        folded=_folded(found, whole),
        saved_most=max(0, ceil_div(most, whole.carries) - 1),
        side=tuple(
            sorted((taken[0] for _, _, taken in singles if taken[0] != base), key=above.__getitem__)
        ),
        above=tuple(above),
        least_beyond=min(beyond, default=math.inf),
    )


def _folded(
    found: Sequence[_Ending], base: Piece
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Endings of rests below one base piece, where those that carry more save base pieces."""
    entries: list[_Ending] = []
    for number, (carries, price, _) in enumerate(found):
        saved = max(0, ceil_div(-carries, base.carries) - 1)
        entries.append((carries + saved * base.carries, price - saved * base.price, (number,)))
    kept = _cheapest(entries)[::-1]
    return (
        tuple(-carries for carries, _, _ in kept),
        tuple(price for _, price, _ in kept),
        tuple(taken[0] for _, _, taken in kept),
    )


def _with_one_more(some: Sequence[_Ending], singles: Sequence[_Ending]) -> Iterator[_Ending]:
    for carries, price, taken in some:
        last = taken[-1]
        for one_carries, one_price, one in singles:
            if one[0] >= last:
                yield carries + one_carries, price + one_price, taken + one


def _cheapest(some: list[_Ending]) -> list[_Ending]:
    """Those of which no other carries as much for no more; the one that carries the most first."""
    some.sort()
    kept = []
    least_price: float = math.inf
    for each in some:
        if each[1] < least_price:
            least_price = each[1]
            kept.append(each)
    return kept
