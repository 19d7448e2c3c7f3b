"""Shifts: when each of several injectors is needed, if they come and go with the load.

Injectors stand on each other like the layers of a cake: the first carries the users from the first
on, the next those that it has no room for, and so on. Each is needed only while the load reaches
into its layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from engine.scenario.profile import Curve

BLOCKS_MAX = 200
"""More layers than that are taken together, with the lowest of them: the figure stays an upper
bound, and takes no longer for a million injectors."""

Cost = Callable[[int], int]
"""Of one shift by its length in seconds; never less for a longer one."""


class Shift(Struct, frozen=True):
    """From when until when an injector is there, in seconds of the test."""

    from_s: float
    until_s: float

    @property
    def length_s(self) -> int:
        """Whole seconds, started ones included."""
        return math.ceil(self.until_s - self.from_s)


class Roster(Struct, frozen=True):
    """Injectors with the same shifts.

    Attributes:
        count: How many.
        shifts: In the order of time.
    """

    count: int
    shifts: tuple[Shift, ...]

    def cost(self, of_shift: Cost) -> int:
        """Of all of them."""
        return self.count * sum(of_shift(shift.length_s) for shift in self.shifts)


def rosters(curve: Curve, tops: Sequence[float], of_shift: Cost) -> tuple[Roster, ...]:
    """The shifts of injectors that stand on each other, the cheapest that cover the load.

    Args:
        curve: Users over time.
        tops: How many users the injectors below carry together, for each injector; it rises.
        of_shift: What a shift costs. Two shifts are joined where the pause costs no more.
    """
    found: list[Roster] = []
    step = max(1, math.ceil(len(tops) / BLOCKS_MAX))
    for first in range(0, len(tops), step):
        count = len(tops[first : first + step])
        shifts = _joined(list(_above(curve, tops[first])), of_shift)
        if found and found[-1].shifts == shifts:
            found[-1] = Roster(found[-1].count + count, shifts)
        else:
            found.append(Roster(count, shifts))
    return tuple(found)


def there_at(found: Sequence[Roster], at_s: float) -> int:
    """How many injectors are there."""
    return sum(
        roster.count
        for roster in found
        if any(shift.from_s <= at_s <= shift.until_s for shift in roster.shifts)
    )


def _above(curve: Curve, level: float) -> Iterator[Shift]:
    """Where the curve lies above the level; of the lowest injector, the whole test."""
    if level <= 0:
        yield Shift(0.0, curve.duration_s)
        return
    from_s: float | None = None
    for a, b in pairwise(curve.points):
        if from_s is None and max(a.level, b.level) > level:
            from_s = (
                a.at_s if a.level > level else _crossing(a.at_s, a.level, b.at_s, b.level, level)
            )
        if from_s is not None and b.level <= level:
            until_s = a.at_s
            if a.level > level:
                until_s = _crossing(a.at_s, a.level, b.at_s, b.level, level)
            if until_s > from_s:
                yield Shift(from_s, until_s)
            from_s = None
    if from_s is not None and curve.duration_s > from_s:
        yield Shift(from_s, curve.duration_s)


def _crossing(a_s: float, a_level: float, b_s: float, b_level: float, level: float) -> float:
    if a_s == b_s:
        return a_s
    return a_s + (level - a_level) / (b_level - a_level) * (b_s - a_s)


def _joined(shifts: Sequence[Shift], of_shift: Cost) -> tuple[Shift, ...]:
    """The same hours in the cheapest number of shifts: best so far, shift by shift."""
    best: list[tuple[int, tuple[Shift, ...]]] = [(0, ())]
    for last in range(len(shifts)):
        ways = []
        for first in range(last + 1):
            whole = Shift(shifts[first].from_s, shifts[last].until_s)
            cost, before = best[first]
            ways.append((cost + of_shift(whole.length_s), (*before, whole)))
        best.append(min(ways, key=lambda way: (way[0], len(way[1]))))
    return best[-1][1]
