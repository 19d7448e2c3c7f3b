"""Tally: what is kept of numbers that go by: how many, their ends, percentiles, the least ones.

Percentiles come from counts in buckets whose edges are a 256th apart, so that they are within
0.2 % of the exact ones; whole numbers below 512 have a bucket each. Tallies of parts are merged
into that of all, whatever the parts were.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from engine.sweeping.columns import Column

FRACTION_BITS = 8
"""Of a double's fraction that tell buckets apart."""

SHIFT = 52 - FRACTION_BITS
OF_ONE = 1_023 << FRACTION_BITS
"""The bucket of 1.0, which is the first; the one before is that of 0."""

BUCKETS = (64 << FRACTION_BITS) + 1

LANES = 4
"""Rows of counts. Neighbours are often in the same bucket: counted in turn, none waits for the one
before it."""


class Best(Struct, frozen=True):
    """One of the least numbers, and the place where it went by."""

    number: int
    place: int


class Tally:
    """A tally of whole numbers from 0 on.

    Args:
        best: How many of the least are kept; of equal ones those that went by first.
    """

    def __init__(self, best: int = 0) -> None:
        self.count = 0
        self.total = 0
        self.least: int | None = None
        self.most: int | None = None
        self.lanes = np.zeros((LANES, BUCKETS), np.int64)
        self._kept = best
        self._numbers = np.zeros(0, np.int64)
        self._places = np.zeros(0, np.int64)

    @property
    def buckets(self) -> Column:
        """How many numbers there were in each bucket."""
        found: Column = self.lanes.sum(axis=0)
        return found

    @property
    def threshold(self) -> int:
        """Numbers from here on are not among the best."""
        if not self._kept:
            return 0
        full = len(self._numbers) == self._kept
        return int(self._numbers[-1]) if full else np.iinfo(np.int64).max

    def add(self, numbers: Column, first_place: int, places: Column | None = None) -> None:
        """Numbers that go by.

        Args:
            numbers: The numbers.
            first_place: Where the first one goes by; the others follow.
            places: Where each goes by, if they do not.
        """
        if not len(numbers):
            return
        bits = numbers.astype(np.float64).view(np.int64)
        found = np.bincount(bucket_of(bits))
        self.lanes[0, : len(found)] += found
        total, least, most = int(numbers.sum()), int(numbers.min()), int(numbers.max())
        self.note(len(numbers), total, least, most)
        if least < self.threshold:
            near = np.flatnonzero(numbers < self.threshold)
            self.keep(numbers[near], first_place + near if places is None else places[near])

    def note(self, count: int, total: int, least: int, most: int) -> None:
        """Numbers whose buckets are counted already."""
        self.count += count
        self.total += total
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)

    def keep(self, numbers: Column, places: Column) -> None:
        """Numbers that may be among the best."""
        numbers = np.concatenate([self._numbers, numbers])
        places = np.concatenate([self._places, places])
        order = np.lexsort((places, numbers))[: self._kept]
        self._numbers, self._places = numbers[order], places[order]

    def merge(self, other: Tally) -> None:
        """What the other one saw went by here, too."""
        if other.least is None or other.most is None:
            return
        self.lanes += other.lanes
        self.note(other.count, other.total, other.least, other.most)
        self.keep(other._numbers, other._places)

    def best(self) -> tuple[Best, ...]:
        """The least numbers, the least first."""
        pairs = zip(self._numbers.tolist(), self._places.tolist(), strict=True)
        return tuple(Best(*each) for each in pairs)

    def percentile(self, percent: float) -> int | None:
        """The number below which so many of a hundred are, within 0.2 %; None: none went by."""
        if self.least is None or self.most is None:
            return None
        rank = max(1, int(np.ceil(self.count * percent / 100)))
        bucket = int(np.searchsorted(np.cumsum(self.buckets), rank))
        low, high = edges_of(bucket)
        middle = low if high - low <= 1 else (low + high) // 2
        return min(max(middle, self.least), self.most)


def bucket_of(bits: Column) -> Column:
    """The bucket of each number, from the bits of its double."""
    found: Column = np.maximum((bits >> SHIFT) - OF_ONE + 1, 0)
    return found


def edges_of(bucket: int) -> tuple[int, int]:
    """The least number of a bucket, and the least of the next one."""
    low, high = (
        int(np.ceil(np.array([edge], np.int64).view(np.float64)[0]))
        for edge in ((bucket - 1 + OF_ONE) << SHIFT, (bucket + OF_ONE) << SHIFT)
    )
    return (0, 1) if bucket == 0 else (low, high)
