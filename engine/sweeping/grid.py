"""Grid: what-ifs that are numbered and made block by block, as they are asked for.

Users vary fastest, then lengths, then fixed injectors or payloads, then words.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from engine.sweeping.axes import Axes
from engine.sweeping.columns import Column, LoadTests, Problem
from engine.sweeping.lookup import Lookup
from engine.sweeping.row_keys import Situation
from kernel.errors import BadInputError

BLOCK_ROWS = 65_536
WHAT_IFS_MAX = 10**13


class EmptyGridError(BadInputError):
    """No what-if of a grid can be estimated; facts: ``what_ifs``."""

    code = "empty_grid"


class Grid(Struct, frozen=True):
    """A grid of what-ifs.

    Attributes:
        axes: What varies.
        situations: Combinations of words, in order.
    """

    axes: Axes
    situations: tuple[Situation, ...]

    @property
    def fixed(self) -> Sequence[int]:
        """Fixed payloads, or numbers of injectors; a single 0: neither."""
        return self.axes.users_per_injector or self.axes.injectors or (0,)

    @property
    def alike(self) -> int:
        """What-ifs that have everything but users and lengths in common."""
        return len(self.axes.users) * len(self.axes.duration_s)

    @property
    def what_ifs(self) -> int:
        """How many there are."""
        return len(self.situations) * len(self.fixed) * self.alike

    @property
    def rows_at_once(self) -> int:
        """No block has more."""
        return min(self.alike, max(BLOCK_ROWS, 1))

    def blocks(self) -> Iterator[Block]:
        """All what-ifs, block by block."""
        users, lengths = self.axes.users, self.axes.duration_s
        at_once = max(1, BLOCK_ROWS // len(users)) if len(users) < BLOCK_ROWS else 1
        for number, (situation, fixed) in enumerate(itertools.product(self.situations, self.fixed)):
            for first in range(0, len(lengths), at_once):
                some = lengths[first : first + at_once]
                for low in range(0, len(users), BLOCK_ROWS):
                    place = number * self.alike + first * len(users) + low
                    yield Block(place, situation, fixed, some, users[low : low + BLOCK_ROWS])

    def at(self, place: int) -> tuple[Situation, int, int, int]:
        """Situation, fixed number, length and users of a what-if."""
        rest, user = divmod(place, len(self.axes.users))
        rest, length = divmod(rest, len(self.axes.duration_s))
        number, fixed = divmod(rest, len(self.fixed))
        return (
            self.situations[number],
            self.fixed[fixed],
            self.axes.duration_s[length],
            self.axes.users[user],
        )

    def columns(self, rows: Sequence[tuple[Situation, int, int, int]]) -> dict[str, Any]:
        """What-ifs as columns; those of which none has anything are left out."""
        found: dict[str, list[Any]] = {
            "users": [users for *_, users in rows],
            "duration_s": [length_s for _, _, length_s, _ in rows],
        }
        if self.fixed != (0,):
            name = "users_per_injector" if self.axes.users_per_injector else "injectors"
            found[name] = [fixed for _, fixed, _, _ in rows]
        for name in ("protocol", "provider", "region", "instance_type", "plan"):
            said = [getattr(situation, name) for situation, *_ in rows]
            if any(said):
                found[name] = said
        return found


class Block(Struct, frozen=True):
    """Consecutive what-ifs of a grid that have a situation in common.

    Attributes:
        place: The number of the first.
        situation: Of all.
        fixed: Payload or injectors of all; 0: not fixed.
        lengths_s: Planned lengths, each with all of the users.
        users: Most users at once.
    """

    place: int
    situation: Situation
    fixed: int
    lengths_s: Sequence[int]
    users: Sequence[int]

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.users) * len(self.lengths_s)

    def load_tests(self, *, fixes_payload: bool) -> LoadTests:
        """The what-ifs as columns."""
        users = _array(self.users)
        lengths_s = np.array(self.lengths_s, np.int64)
        if len(lengths_s) > 1:
            lengths_s = np.repeat(lengths_s, len(users))
            users = np.tile(users, len(self.lengths_s))
        fixed = np.array([self.fixed], np.int64) if self.fixed else None
        return LoadTests(
            self.rows,
            users,
            lengths_s,
            fixed if fixes_payload else None,
            None if fixes_payload else fixed,
            {},
            (),
        )


def grid_of(axes: Axes) -> Grid:
    """The grid of some axes.

    Raises:
        EmptyGridError: It is too large to be numbered.
    """
    is_fixed = bool(axes.users_per_injector or axes.injectors)
    words = itertools.product(
        axes.protocols,
        axes.providers or ("",),
        axes.regions or ("",),
        axes.instance_types or ("",),
        axes.plans,
    )
    grid = Grid(axes, tuple(Situation(*each, is_fixed) for each in words))
    if grid.what_ifs > WHAT_IFS_MAX:
        raise EmptyGridError(
            f"--grid: {grid.what_ifs:,} what-ifs are more than {WHAT_IFS_MAX:,}",
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
