"""Sweep: the whole estimate of many load tests at once, a pure function over columns."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np

from engine.sweeping import kernel
from engine.sweeping.billing import billed_usd_micros
from engine.sweeping.columns import (
    NONE,
    Codes,
    Column,
    LoadTests,
    Mask,
    Problem,
    Whole,
    load_tests,
    out_of_range,
)
from engine.sweeping.kernel import Constants, Filled
from engine.sweeping.lookup import Found, Lookup
from engine.sweeping.situations import PLAN, Figures
from pricing.catalog import Catalog

COMPILED_FROM_ROWS = 200_000
"""Fewer are done in numpy before numba is loaded."""

ATTEMPTS_MAX = 3
"""To leave out what is out of range: numbers first, then what follows from them."""


class OnError(StrEnum):
    """What becomes of rows that are no load tests.

    REFUSE: All is refused with the first of them.
    MARK: They hold zeros and are listed as problems.
    """

    REFUSE = "refuse"
    MARK = "mark"


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """One entry for each load test; zeros where there is a problem.

    Attributes:
        injectors: Standard injectors.
        li_minutes: LI-minutes with the floor for the fleet's size.
        usd_micros: What the plan or tariff bills in micro-dollars, in whole cents; on a
            subscription the share of the month, as ``compare`` has it.
        machines: The cheapest machines, where the row names a place; else 0. None: no row does.
        machine_usd_micros: What they and all around them cost, in micro-dollars.
        problems: Rows that are no load tests, by row.
    """

    injectors: Column
    li_minutes: Column
    usd_micros: Column
    machines: Column | None
    machine_usd_micros: Column | None
    problems: tuple[Problem, ...]


def sweep(  # noqa: PLR0913 - one keyword a thing that decides what it costs, or how it is done
    columns: Mapping[str, Any],
    *,
    catalog: Catalog | None = None,
    at: date | None = None,
    plan: str = PLAN,
    on_error: OnError = OnError.REFUSE,
    lookup: Lookup | None = None,
    threads: int = 1,
    compiled: bool | None = None,
    out: Swept | None = None,
) -> Swept:
    """Estimate many load tests.

    Args:
        columns: Array-likes by name, of one length or of one entry for all rows: ``users``;
            ``duration_s``, or ``duration`` as text with units. If wanted: ``protocol`` (default
            http), ``users_per_injector`` or ``injectors``; ``provider`` and ``region``, for what
            machines cost; ``instance_type`` to take no others; ``plan``, the name of a plan or of
            a tariff. Other columns are left alone.
        catalog: Machine types and prices; None: the bundled catalogue.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        on_error: What becomes of rows that are no load tests.
        lookup: Keeps figures from one call to the next; replaces catalogue, day and plan.
        threads: That compute side by side.
        compiled: With numba, without it; None: with it where it is there and worth its start.
        out: Is filled instead of new columns; of the same length.

    Raises:
        BadColumnError: The first row that is no load test, or a column that cannot be read.
    """
    lookup = lookup or Lookup(catalog, at, plan)
    tests = load_tests(columns)
    found = lookup.find(tests)
    has_place = any(isinstance(each, Figures) and each.machines for each in found.figures)
    filled = _columns_of(out) if out else _new_columns(tests.rows, has_place=has_place)
    problems = {each.row: each for each in (*tests.problems, *_contradictions(tests))}
    problems |= {each.row: each for each in _without_figures(found, tests.rows)}
    job = _Job(tests, found, filled, problems, threads, _is_compiled(compiled, tests.rows))
    if on_error is OnError.REFUSE:
        job.refuse()
    if found.constants is not None:
        job.run(found.constants, lookup, on_error)
    job.blank()
    return Swept(
        filled.injectors,
        filled.li_minutes,
        filled.usd_micros,
        filled.machines,
        filled.machine_usd_micros,
        tuple(problems[row] for row in sorted(problems)),
    )


@dataclass(slots=True)
class _Job:
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
    found: Found
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

    def run(self, constants: Constants, lookup: Lookup, on_error: OnError) -> None:
        """Charges first, then what other plans bill, then machines."""
        loops: Any = kernel
        if self.compiled:
            from engine.sweeping import compiled

            loops = compiled
        for _ in range(ATTEMPTS_MAX):
            self.tests_without_problems()
            if all(self._each_part(loops.charge, constants)):
                break
            self._find_problems(constants)
            if on_error is OnError.REFUSE:
                self.refuse()
        else:
            raise AssertionError("a row is out of range and cannot be found")
        self._bill()
        if on_error is OnError.REFUSE:
            self.refuse()
        if self.filled.machines is not None and sum(self._each_part(loops.cost, constants)):
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
            users=_with(tests.users, rows, 1, tests.rows),
            duration_s=_with(tests.duration_s, rows, 1, tests.rows),
            users_per_injector=None
            if tests.users_per_injector is None
            else _with(tests.users_per_injector, rows, NONE, tests.rows),
            injectors=None
            if tests.injectors is None
            else _with(tests.injectors, rows, NONE, tests.rows),
        )
        if good and len(good) < len(found.figures):
            self.found = replace(found, codes=_with(found.codes, rows, good[0], tests.rows))

    def blank(self) -> None:
        """Zeros for the rows with problems."""
        rows = np.fromiter(self.problems, np.int64)
        for column in (
            self.filled.injectors,
            self.filled.li_minutes,
            self.filled.usd_micros,
            self.filled.machines,
            self.filled.machine_usd_micros,
        ):
            if column is not None and len(rows):
                column[rows] = 0

    def _each_part(self, loop: Callable[..., Any], constants: Constants) -> list[Any]:
        """The loop over all rows, in as many parts as there are threads."""
        rows = self.tests.rows
        size = max(1, -(-rows // self.threads))
        parts = [slice(low, min(low + size, rows)) for low in range(0, rows, size)]

        def run(part: slice) -> Any:  # noqa: ANN401 - as the loop gives it
            return loop(
                self.tests.part(part),
                kernel.part(self.found.codes, part),
                constants,
                self.filled.part(part),
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
        payload = constants.payload[self.found.codes]
        if self.tests.users_per_injector is not None:
            given = self.tests.users_per_injector
            payload = np.where(given == NONE, payload, given)
        injectors = -(-self.tests.users // payload)
        for row in np.flatnonzero(injectors > kernel.INJECTORS_MAX).tolist():
            self.problems[row] = Problem(
                row,
                "users",
                f"need {injectors[row]:,} injectors; at most {kernel.INJECTORS_MAX:,} are priced",
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
                self.found.situations[_at(self.found.codes, row)],
                _at(tests.users, row),
                _at(tests.duration_s, row),
                NONE if tests.users_per_injector is None else _at(tests.users_per_injector, row),
                NONE if tests.injectors is None else _at(tests.injectors, row),
            )


def _contradictions(tests: LoadTests) -> Iterator[Problem]:
    """Rows whose numbers do not go together."""
    fixed, payload = tests.injectors, tests.users_per_injector
    if fixed is None:
        return
    for row in _rows_where(fixed > tests.users, tests.rows):
        yield Problem(
            row, "injectors", f"{_at(fixed, row):,} cannot share {_at(tests.users, row):,} users"
        )
    if payload is not None:
        for row in _rows_where((fixed != NONE) & (payload != NONE), tests.rows):
            yield Problem(row, "injectors", "there is users_per_injector too; give one of the two")


def _without_figures(found: Found, rows: int) -> Iterator[Problem]:
    """Rows in whose situation something is wrong."""
    for code, each in enumerate(found.figures):
        if isinstance(each, Problem):
            for row in _rows_where(found.codes == code, rows):
                yield replace(each, row=row)


def _rows_where(holds: Mask, rows: int) -> list[int]:
    if len(holds) == 1:
        return list(range(rows)) if holds[0] else []
    found: list[int] = np.flatnonzero(holds).tolist()
    return found


def _at(column: Column | Codes, row: int) -> int:
    return int(column[row] if len(column) > 1 else column[0])


def _rows_in(column: Column, rows: Column) -> Column:
    return np.broadcast_to(column, len(rows)) if len(column) == 1 else column[rows]


def _with(column: Whole, rows: Column, value: int, length: int) -> Whole:
    """A copy that holds a value in some rows."""
    copied = np.broadcast_to(column, length).copy()
    copied[rows] = value
    return copied


def _new_columns(rows: int, *, has_place: bool) -> Filled:
    def empty() -> Column:
        return np.empty(rows, np.int64)

    machines = (empty(), empty()) if has_place else (None, None)
    return Filled(empty(), empty(), empty(), *machines)


def _columns_of(swept: Swept) -> Filled:
    return Filled(
        swept.injectors,
        swept.li_minutes,
        swept.usd_micros,
        swept.machines,
        swept.machine_usd_micros,
    )


def _is_compiled(wanted: bool | None, rows: int) -> bool:
    if wanted is None:
        return rows >= COMPILED_FROM_ROWS and importlib.util.find_spec("numba") is not None
    return wanted
