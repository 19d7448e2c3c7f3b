"""Job: one sweep under way, from load tests whose words are known to filled columns."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from engine.sweeping import kernel
from engine.sweeping.billing import billed_usd_micros
from engine.sweeping.columns import (
    Codes,
    Column,
    LoadTests,
    Problem,
    Whole,
    bounds_of,
    out_of_range,
    part,
)
from engine.sweeping.kernel import Constants, Filled
from engine.sweeping.lookup import FoundRowKeys, Lookup
from engine.sweeping.row_keys import Figures
from kernel.division import ceil_div
from kernel.words import counted

ATTEMPTS_MAX = 3
"""To leave out what is out of range: numbers first, then what follows from them."""


@dataclass(slots=True)
class Job:
    """A sweep under way.

    Attributes:
        tests: What is swept; rows with problems hold harmless numbers.
        found: Their situations.
        filled: The result.
        problems: By row.
        threads: That compute side by side.
        compiled: With numba.
    """

    tests: LoadTests
    found: FoundRowKeys
    filled: Filled
    problems: dict[int, Problem]
    threads: int
    compiled: bool

    def refuse(self) -> None:
        """Raise the problem of the first row that has one."""
        if self.problems:
            self.tests_without_problems()
            for each in out_of_range(self.tests):
                self.problems.setdefault(each.row, each)
            raise self.problems[min(self.problems)].error()

    def run(self, constants: Constants, lookup: Lookup, *, refuses: bool) -> None:
        """Plain charges and machines in one pass, then what other plans bill."""
        loops: Any = kernel
        if self.compiled:
            from engine.sweeping import compiled

            loops = compiled
        for _ in range(ATTEMPTS_MAX):
            self.tests_without_problems()
            left = self._each_part(loops.fill, constants)
            if kernel.OUT_OF_RANGE not in left:
                break
            self._find_problems(constants)
            if refuses:
                self.refuse()
        else:
            raise AssertionError("a row is out of range and cannot be found")
        self._bill()
        if refuses:
            self.refuse()
        if sum(left):
            self._estimate_alone(lookup)

    def tests_without_problems(self) -> None:
        """Give the rows with problems numbers and situations that do no harm."""
        if not self.problems:
            return
        rows = np.fromiter(self.problems, np.int64)
        tests, found = self.tests, self.found
        good = [i for i, each in enumerate(found.figures) if isinstance(each, Figures)]
        self.tests = replace(
            tests,
            numbers={
                name: _with(column, rows, bounds_of(name)[0], tests.rows)
                for name, column in tests.numbers.items()
            },
        )
        if good and len(good) < len(found.figures):
            self.found = replace(found, codes=_with(found.codes, rows, good[0], tests.rows))

    def blank(self) -> None:
        """Zeros for the rows with problems."""
        rows = np.fromiter(self.problems, np.int64)
        for column in (each for _, each in self.filled.columns()):
            if column is not None and len(rows):
                column[rows] = 0

    def _each_part(self, loop: Callable[..., int], constants: Constants) -> list[int]:
        """The loop over all rows, in as many parts as there are threads."""
        rows = self.tests.rows
        size = max(1, ceil_div(rows, self.threads))
        parts = [slice(low, min(low + size, rows)) for low in range(0, rows, size)]

        def run(some: slice) -> int:
            return loop(
                self.tests.part(some),
                part(self.found.codes, some),
                constants,
                self.filled.part(some),
            )

        if len(parts) == 1:
            return [run(parts[0])]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(run, parts))

    def _find_problems(self, constants: Constants) -> None:
        """Why a loop refused: a number, or the injectors that follow from it."""
        before = len(self.problems)
        for each in out_of_range(self.tests):
            self.problems.setdefault(each.row, each)
        if len(self.problems) > before:
            return
        injectors = np.empty(self.tests.rows, np.int64)
        kernel.count_injectors(self.tests, self.found.codes, constants, injectors)
        for row in np.flatnonzero(injectors > kernel.INJECTORS_MAX).tolist():
            self.problems[row] = Problem(
                row,
                "users",
                f"need {counted(int(injectors[row]), 'injector')}; "
                f"at most {kernel.INJECTORS_MAX:,} are priced",
            )

    def _bill(self) -> None:
        """What plans and services bill by another rule than LI-minutes at a rate."""
        for code, figures in enumerate(self.found.figures):
            if isinstance(figures, Problem) or figures.billing.is_plain:
                continue
            rows = self._rows_of(code)
            usd_micros, refused = billed_usd_micros(
                figures.billing,
                _rows_in(self.tests.users, rows),
                _rows_in(self.tests.duration_s, rows),
                self.filled.injectors[rows],
            )
            self.filled.usd_micros[rows] = usd_micros
            for row in rows[refused].tolist():
                what = f"{figures.billing.tariff.name} does not sell a run of this size"
                self.problems.setdefault(row, Problem(row, "plan", what))

    def _rows_of(self, code: int) -> Column:
        codes = self.found.codes
        if len(codes) == 1:
            return np.arange(self.tests.rows if codes[0] == code else 0)
        return np.flatnonzero(codes == code)

    def _estimate_alone(self, lookup: Lookup) -> None:
        """The rows that the tables do not hold for."""
        machines, usd_micros = self.filled.machines, self.filled.machine_usd_micros
        assert machines is not None, "there is a place"
        assert usd_micros is not None, "likewise"
        tests = self.tests
        for row in np.flatnonzero(machines == kernel.NOT_LOOKED_UP).tolist():
            machines[row], usd_micros[row] = lookup.alone(
                self.found.situations[at_row(self.found.codes, row)],
                {name: at_row(column, row) for name, column in tests.numbers.items()},
            )


def at_row(column: Column | Codes, row: int) -> int:
    """One row of a column, of which one entry may stand for all."""
    return int(column[row] if len(column) > 1 else column[0])


def _rows_in(column: Column, rows: Column) -> Column:
    return np.broadcast_to(column, len(rows)) if len(column) == 1 else column[rows]


def _with(column: Whole, rows: Column, value: int, length: int) -> Whole:
    """A copy that holds a value in some rows."""
    copied = np.broadcast_to(column, length).copy()
    copied[rows] = value
    return copied
