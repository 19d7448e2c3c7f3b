"""Grid: what-ifs that are numbered and made block by block, as they are asked for.

Users vary fastest, then lengths, then optional numbers, then words.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from engine.sweeping.axes import Axes
from engine.sweeping.columns import Column, LoadTests, Problem
from engine.sweeping.known_columns import OPTIONAL_NUMBERS, SIZES, WORDS
from engine.sweeping.lookup import Lookup
from engine.sweeping.row_keys import Situation
from kernel.errors import BadInputError
from kernel.words import counted

BLOCK_ROWS = 65_536
WHAT_IFS_MAX = 10**13


class EmptyGridError(BadInputError):
    """No what-if of a grid can be estimated; facts: ``what_ifs``."""

    code = "empty_grid"


class WhatIf(Struct, frozen=True):
    """One what-if.

    Attributes:
        situation: Its words.
        numbers: By column, of those that are axes.
    """

    situation: Situation
    numbers: Mapping[str, int]


class Grid(Struct, frozen=True):
    """A grid of what-ifs.

    Attributes:
        axes: What varies.
        situations: Combinations of words, in order.
    """

    axes: Axes
    situations: tuple[Situation, ...]

    @property
    def optional(self) -> Mapping[str, Sequence[int]]:
        """The axes of optional numbers."""
        return {n: each for n, each in self.axes.numbers.items() if n in OPTIONAL_NUMBERS}

    @property
    def combinations(self) -> int:
        """How many combinations of words and optional numbers there are."""
        return len(self.situations) * math.prod(map(len, self.optional.values()))

    def combination(self, number: int) -> tuple[Situation, Mapping[str, int]]:
        """One of them; of the optional numbers the last varies fastest."""
        fixed: dict[str, int] = {}
        for name, values in reversed([*self.optional.items()]):
            number, place = divmod(number, len(values))
            fixed[name] = values[place]
        return self.situations[number], fixed

    @property
    def alike(self) -> int:
        """What-ifs that have everything but users and lengths in common."""
        return len(self.axes.users) * len(self.axes.duration_s)

    @property
    def what_ifs(self) -> int:
        """How many there are."""
        return self.combinations * self.alike

    @property
    def rows_at_once(self) -> int:
        """No block has more."""
        return min(self.alike, max(BLOCK_ROWS, 1))

    def blocks(self) -> Iterator[Block]:
        """All what-ifs, block by block."""
        users, lengths = self.axes.users, self.axes.duration_s
        at_once = max(1, BLOCK_ROWS // len(users)) if len(users) < BLOCK_ROWS else 1
        for number in range(self.combinations):
            situation, fixed = self.combination(number)
            for first in range(0, len(lengths), at_once):
                some = lengths[first : first + at_once]
                for low in range(0, len(users), BLOCK_ROWS):
                    place = number * self.alike + first * len(users) + low
                    yield Block(place, situation, fixed, some, users[low : low + BLOCK_ROWS])

    def at(self, place: int) -> WhatIf:
        """One of them."""
        rest, user = divmod(place, len(self.axes.users))
        number, length = divmod(rest, len(self.axes.duration_s))
        situation, fixed = self.combination(number)
        both = {"users": self.axes.users[user], "duration_s": self.axes.duration_s[length]}
        return WhatIf(situation, {**both, **fixed})

    def columns(self, rows: Sequence[WhatIf]) -> dict[str, Any]:
        """What-ifs as columns; those of which none has anything are left out."""
        found: dict[str, list[Any]] = {
            name: [row.numbers[name] for row in rows] for name in self.axes.numbers
        }
        for name in WORDS:
            said = [getattr(row.situation, name) for row in rows]
            if any(said):
                found[name] = said
        return found


class Block(Struct, frozen=True):
    """Consecutive what-ifs of a grid that have a situation in common.

    Attributes:
        place: The number of the first.
        situation: Of all.
        fixed: Of all, by column: the optional numbers.
        lengths_s: Planned lengths, each with all of the users.
        users: Most users at once.
    """

    place: int
    situation: Situation
    fixed: Mapping[str, int]
    lengths_s: Sequence[int]
    users: Sequence[int]

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.users) * len(self.lengths_s)

    def load_tests(self) -> LoadTests:
        """The what-ifs as columns."""
        users = _array(self.users)
        lengths_s = np.array(self.lengths_s, np.int64)
        if len(lengths_s) > 1:
            lengths_s = np.repeat(lengths_s, len(users))
            users = np.tile(users, len(self.lengths_s))
        numbers = {"users": users, "duration_s": lengths_s}
        for name, number in self.fixed.items():
            numbers[name] = np.array([number], np.int64)
        return LoadTests(self.rows, numbers, {}, ())


def grid_of(axes: Axes) -> Grid:
    """The grid of some axes.

    Raises:
        EmptyGridError: It is too large to be numbered.
    """
    is_fixed = any(name in axes.numbers for name in SIZES)
    every = (axes.words.get(name) or (column.default,) for name, column in WORDS.items())
    situations = (
        Situation(**dict(zip(WORDS, words, strict=True)), is_fixed=is_fixed)
        for words in itertools.product(*every)
    )
    grid = Grid(axes, tuple(situations))
    if grid.what_ifs > WHAT_IFS_MAX:
        raise EmptyGridError(
            f"--grid: {counted(grid.what_ifs, 'what-if')} are more than {WHAT_IFS_MAX:,}",
            what_ifs=grid.what_ifs,
        )
    return grid


def reasons_of(grid: Grid, lookup: Lookup) -> tuple[str, ...]:
    """Why combinations of words cannot be estimated, each reason once."""
    found = (lookup.figures(each) for each in grid.situations)
    return tuple(dict.fromkeys(each.message for each in found if isinstance(each, Problem)))


def _array(numbers: Sequence[int]) -> Column:
    if isinstance(numbers, range):
        return np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
    return np.array(numbers, np.int64)
