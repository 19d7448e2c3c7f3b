"""Sweep: the whole estimate of many load tests at once, a pure function over columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from msgspec.structs import replace

from engine.sweeping.columns import (
    NONE,
    LoadTests,
    Mask,
    Problem,
    load_tests,
)
from engine.sweeping.job import Job, at_row
from engine.sweeping.kernel import Filled
from engine.sweeping.known_columns import OUTPUTS, PLAN, SIZES
from engine.sweeping.lookup import FoundRowKeys, Lookup
from engine.sweeping.row_keys import Figures
from kernel.extras import is_installed
from kernel.words import counted
from pricing.catalog import Catalog
from pricing.plans.model import Plan

COMPILED_FROM_ROWS = 200_000
"""Fewer are done in numpy before numba is loaded."""


class OnError(StrEnum):
    """What becomes of rows that are no load tests.

    REFUSE: All is refused with the first of them.
    MARK: They hold zeros and are listed as problems.
    """

    REFUSE = "refuse"
    MARK = "mark"


class Swept(Filled, frozen=True, eq=False):
    """The estimates of ``kernel.Filled``, one entry for each load test; zeros at a problem.

    Attributes:
        problems: Rows that are no load tests, by row.
    """

    problems: tuple[Problem, ...]


def sweep(  # noqa: PLR0913 - one keyword a thing that decides what it costs, or how it is done
    columns: Mapping[str, Any],
    *,
    catalog: Catalog | None = None,
    at: date | None = None,
    plan: str = PLAN,
    plans: Iterable[Plan] | None = None,
    on_error: OnError = OnError.REFUSE,
    lookup: Lookup | None = None,
    threads: int = 1,
    compiled: bool | None = None,
    out: Swept | None = None,
) -> Swept:
    """Estimate many load tests.

    Tens of millions a second and thread with numba. Rows whose fixed payload is more than the
    largest machines have room for are estimated one by one, about a thousand a second.

    Args:
        columns: Array-likes by name, of one length or of one entry for all rows: ``users``;
            ``duration_s``, or ``duration`` as text with units; if wanted the others of
            ``known_columns.INPUTS``, which ``loadmuster sweep --help`` lists. ``provider`` or
            ``region`` ask for what machines cost. Other columns are left alone.
        catalog: Machine types and prices; None: the bundled catalogue.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        plans: Those that rows may name; None: the bundled ones.
        on_error: What becomes of rows that are no load tests.
        lookup: Keeps figures from one call to the next; replaces catalogue, day, plan and
            plans.
        threads: That compute side by side.
        compiled: With numba, without it; None: with it where it is there and worth its start.
        out: Is filled instead of new columns; of the same length.

    Raises:
        BadColumnError: The first row that is no load test, or a column that cannot be read.
    """
    lookup = lookup or Lookup(catalog, at, plan, plans)
    tests = load_tests(columns)
    found = lookup.find(tests)
    has_place = any(isinstance(each, Figures) and each.machines for each in found.figures)
    filled = out or new_columns(tests.rows, has_place=has_place)
    problems = {each.row: each for each in (*tests.problems, *contradictions(tests))}
    problems |= {each.row: each for each in _without_figures(found, tests.rows)}
    uses_numba = is_compiled(compiled, tests.rows)
    job = Job(tests, found, filled, problems, threads, uses_numba)
    if on_error is OnError.REFUSE:
        job.refuse()
    if found.constants is not None:
        job.run(found.constants, lookup, refuses=on_error is OnError.REFUSE)
    job.blank()
    estimates: dict[str, Any] = dict(filled.columns())
    return Swept(**estimates, problems=tuple(problems[row] for row in sorted(problems)))


def contradictions(tests: LoadTests) -> Iterator[Problem]:
    """Rows whose numbers do not go together."""
    fixed = tests.numbers.get("injectors")
    if fixed is not None:
        for row in _rows_where(fixed > tests.users, tests.rows):
            yield Problem(
                row,
                "injectors",
                f"{at_row(fixed, row):,} cannot share {counted(at_row(tests.users, row), 'user')}",
            )
    sizes = [name for name in SIZES if name in tests.numbers]
    for one, other in itertools.combinations(sizes, 2):
        both = (tests.numbers[one] != NONE) & (tests.numbers[other] != NONE)
        for row in _rows_where(both, tests.rows):
            yield Problem(row, other, f"there is {one} too; give one of the two")


def _without_figures(found: FoundRowKeys, rows: int) -> Iterator[Problem]:
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


def new_columns(rows: int, *, has_place: bool) -> Filled:
    """Columns to be filled, with those of machines or without."""
    made: dict[str, Any] = {
        each.name: np.empty(rows, np.int64) if has_place or not each.of_machines else None
        for each in OUTPUTS
    }
    return Filled(**made)


def is_compiled(wanted: bool | None, rows: int) -> bool:
    """Whether numba is used: as wanted, else where it is there and worth its start."""
    if wanted is None:
        return rows >= COMPILED_FROM_ROWS and is_installed("numba")
    return wanted
