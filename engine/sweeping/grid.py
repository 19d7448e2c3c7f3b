"""Grid: what-ifs that are made, estimated and reduced on the fly, in constant memory.

The what-ifs of a grid are numbered: users vary fastest, then lengths, then fixed injectors or
payloads, then words. A block of consecutive ones is made, estimated and tallied; nothing else is
kept of it. Threads take blocks in turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from engine.sweeping import kernel
from engine.sweeping.axes import Axes
from engine.sweeping.columns import Column, LoadTests, Problem
from engine.sweeping.job import Job
from engine.sweeping.kernel import BASE_UNITS, INJECTORS_MAX, Constants, Filled
from engine.sweeping.lookup import Found, Lookup
from engine.sweeping.situations import Figures, Situation
from engine.sweeping.sweep import Swept, is_compiled, new_columns, sweep
from engine.sweeping.tally import Tally
from kernel.errors import BadInputError

BLOCK_ROWS = 32_768
WHAT_IFS_MAX = 10**13
MEASURES = ("usd_micros", "machine_usd_micros")

Progress = Callable[[int, int | None], None]


class EmptyGridError(BadInputError):
    """No what-if of a grid can be estimated; facts: ``what_ifs``."""

    code = "empty_grid"


@dataclass(frozen=True, slots=True)
class Grid:
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


@dataclass(frozen=True, slots=True)
class Block:
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


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a grid.

    Attributes:
        what_ifs: How many there are.
        left_out: Of them cannot be estimated.
        reasons: Why, for combinations of words.
        measure: What was tallied, ``usd_micros`` or ``machine_usd_micros``.
        tally: Of all that were estimated.
        best: Columns of the best what-ifs, the best first.
        estimates: Of the best.
    """

    what_ifs: int
    left_out: int
    reasons: tuple[str, ...]
    measure: str
    tally: Tally
    best: Mapping[str, Sequence[Any]]
    estimates: Swept


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


def reduce_grid(
    grid: Grid,
    lookup: Lookup,
    *,
    measure: str = MEASURES[0],
    best: int = 10,
    threads: int = 1,
    compiled: bool | None = None,
    progress: Progress | None = None,
) -> Reduced:
    """Estimate all what-ifs of a grid, and keep their ends, percentiles and the best.

    Args:
        grid: What is asked.
        lookup: Catalogue and day.
        measure: One of ``MEASURES``: what the plan bills, or what machines cost.
        best: So many of the cheapest are kept.
        threads: That compute side by side.
        compiled: As in ``sweep``.
        progress: Is told what-ifs done, and how many there are.

    Raises:
        EmptyGridError: None of them can be estimated; with the reason.
    """
    assert measure in MEASURES, measure
    uses_numba = is_compiled(compiled, grid.what_ifs)
    work = _Reduction(grid, lookup, measure, best, progress, compiled=uses_numba)
    tally = Tally(best)
    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(work.run, first, threads) for first in range(threads)]:
            tally.merge(each.result())
    if not tally.count:
        reason = work.reasons[0] if work.reasons else "they are out of range"
        raise EmptyGridError(
            f"--grid: no what-if can be estimated: {reason}", what_ifs=grid.what_ifs
        )
    kept = grid.columns([grid.at(each.place) for each in tally.best()])
    return Reduced(
        what_ifs=grid.what_ifs,
        left_out=grid.what_ifs - tally.count,
        reasons=tuple(work.reasons),
        measure=measure,
        tally=tally,
        best=kept,
        estimates=sweep(kept, lookup=lookup, compiled=False),
    )


class _Reduction:
    """A grid under way; each thread has a tally of its own."""

    def __init__(
        self,
        grid: Grid,
        lookup: Lookup,
        measure: str,
        best: int,
        progress: Progress | None,
        *,
        compiled: bool,
    ) -> None:
        self._grid = grid
        self._measure = measure
        self._best = best
        self._progress = progress
        self._compiled = compiled
        self._loops, self._tell = _loops(compiled=compiled)
        self._lookup = lookup
        self._done = 0
        self._telling = Lock()
        self._found = {each: lookup.found(each) for each in grid.situations}
        self.reasons = list(reasons_of(grid, lookup))
        if measure == MEASURES[1] and not any(map(_has_place, self._found.values())):
            self.reasons.append("no region or provider is given, so there are no machines")

    def run(self, first: int, step: int) -> Tally:
        """Every so many of the blocks."""
        tally = Tally(self._best)
        filled = new_columns(BLOCK_ROWS, has_place=self._measure == MEASURES[1])
        for block in itertools.islice(self._grid.blocks(), first, None, step):
            self._add(block, tally, filled)
            if self._progress is not None:
                with self._telling:
                    self._done += block.rows
                    self._progress(self._done, self._grid.what_ifs)
        return tally

    def _add(self, block: Block, tally: Tally, filled: Filled) -> None:
        found = self._found[block.situation]
        needs_place = self._measure == MEASURES[1]
        if found.constants is None or (needs_place and not _has_place(found)):
            return
        tests = block.load_tests(fixes_payload=bool(self._grid.axes.users_per_injector))
        own = filled.part(slice(0, block.rows))
        numbers = own.machine_usd_micros if needs_place else own.usd_micros
        assert numbers is not None, "there is a place"
        problems: dict[int, Problem] = {}
        if needs_place and self._needs_no_charge(block, found.constants):
            self._loops.cost(tests, found.codes, found.constants, own)
        else:
            problems = dict(_too_many(tests))
            Job(tests, found, own, problems, 1, self._compiled).run(
                found.constants, self._lookup, refuses=False
            )
        if not problems:
            self._tell(tally, numbers, block.place)
            return
        good = np.setdiff1d(np.arange(block.rows), np.fromiter(problems, np.int64))
        tally.add(numbers[good], block.place, block.place + good)

    def _needs_no_charge(self, block: Block, constants: Constants) -> bool:
        """Whether machines can be looked up at once: by users, of which there are not too many."""
        return (
            not block.fixed
            and constants.machines[0, BASE_UNITS] > 0
            and max(block.users[0], block.users[-1]) <= INJECTORS_MAX * int(constants.payload[0])
            and isinstance(block.users, range)
        )


def _too_many(tests: LoadTests) -> Iterator[tuple[int, Problem]]:
    """Rows with more injectors than users."""
    if tests.injectors is not None:
        for row in np.flatnonzero(tests.users < tests.injectors[0]).tolist():
            yield row, Problem(row, "injectors", "more than there are users")


def _add(tally: Tally, numbers: Column, first_place: int) -> None:
    tally.add(numbers, first_place)


def _loops(*, compiled: bool) -> tuple[Any, Callable[[Tally, Column, int], None]]:
    """The loops over rows, and what counts their numbers."""
    if not compiled:
        return kernel, _add
    from engine.sweeping import compiled as compiled_loops
    from engine.sweeping.compiled_tally import add

    return compiled_loops, add


def _has_place(found: Found) -> bool:
    return any(isinstance(each, Figures) and each.machines is not None for each in found.figures)


def _array(numbers: Sequence[int]) -> Column:
    if isinstance(numbers, range):
        return np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
    return np.array(numbers, np.int64)
