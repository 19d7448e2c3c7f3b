"""Reduction: a grid's what-ifs estimated and tallied on the fly, in constant memory.

Nothing is kept of a block but its part of the tally. Threads take blocks in turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
from msgspec import Struct

from engine.sweeping import kernel
from engine.sweeping.columns import Column, Problem
from engine.sweeping.grid import Block, EmptyGridError, Grid, reasons_of
from engine.sweeping.job import Job
from engine.sweeping.kernel import BASE_UNITS, INJECTORS_MAX, Constants, Filled
from engine.sweeping.known_columns import IN_DOLLARS
from engine.sweeping.lookup import FoundRowKeys, Lookup
from engine.sweeping.row_keys import Figures
from engine.sweeping.sweep import Swept, contradictions, is_compiled, new_columns, sweep
from engine.sweeping.tally import Tally

MEASURES = tuple(IN_DOLLARS)

Progress = Callable[[int, int | None], None]


class Reduced(Struct, frozen=True):
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
        filled = new_columns(self._grid.rows_at_once, has_place=self._measure == MEASURES[1])
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
        tests = block.load_tests()
        own = filled.part(slice(0, block.rows))
        numbers = own.machine_usd_micros if needs_place else own.usd_micros
        assert numbers is not None, "there is a place"
        problems: dict[int, Problem] = {}
        if needs_place and self._needs_no_charge(block, found.constants):
            self._loops.cost(tests, found.codes, found.constants, own)
        else:
            problems = {each.row: each for each in contradictions(tests)}
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


def _add(tally: Tally, numbers: Column, first_place: int) -> None:
    tally.add(numbers, first_place)


def _loops(*, compiled: bool) -> tuple[Any, Callable[[Tally, Column, int], None]]:
    """The loops over rows, and what counts their numbers."""
    if not compiled:
        return kernel, _add
    from engine.sweeping import compiled as compiled_loops
    from engine.sweeping.compiled_tally import add

    return compiled_loops, add


def _has_place(found: FoundRowKeys) -> bool:
    return any(isinstance(each, Figures) and each.machines is not None for each in found.figures)
