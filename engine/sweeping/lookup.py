"""Lookup: the situation of each row, and the figures of all situations that have been seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from engine.planning.fleet import cheapest_fleet
from engine.planning.places import CandidateRegion
from engine.planning.requirement import HOUSE_TARIFF, require
from engine.sweeping.columns import NONE, Codes, Column, LoadTests, Problem, Words
from engine.sweeping.kernel import Constants, constants_of
from engine.sweeping.known_columns import NUMBERS, PLAN, SIZES, WORDS
from engine.sweeping.row_keys import Figures, Situation, figures_of
from pricing.catalog import Catalog
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.tariffs import load_tariff

COMBINATIONS_MAX = 1 << 22
"""Of words: up to so many, those that occur are found without sorting the rows."""

ALONE_MAX = 1 << 17
"""Rows estimated by themselves that are remembered."""


class FoundRowKeys(Struct, frozen=True, eq=False):
    """The situations of some rows.

    Attributes:
        situations: Those that occur.
        figures: Of each, or what is wrong with it.
        codes: For each row the place of its situation; or one for all.
        constants: What the loops compute with; None: something is wrong with every situation.
    """

    situations: tuple[Situation, ...]
    figures: tuple[Figures | Problem, ...]
    codes: Codes
    constants: Constants | None


class Lookup:
    """Figures by situation, found once and kept.

    Args:
        catalog: Machine types and prices; None: the bundled catalogue.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        plans: Those that rows may name; None: the bundled ones.
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        at: date | None = None,
        plan: str = PLAN,
        plans: Iterable[Plan] | None = None,
    ) -> None:
        self._catalog = catalog or Catalog.bundled()
        self._at = at
        self._plan = plan
        self._plans = tuple(load_plans(BUNDLED_PLANS).values() if plans is None else plans)
        self._house = load_tariff(HOUSE_TARIFF, at)
        self._figures: dict[Situation, Figures | Problem] = {}
        self._last: tuple[tuple[Situation, ...], Constants | None] = ((), None)
        self._alone: dict[tuple[Situation, tuple[tuple[str, int], ...]], tuple[int, int]] = {}

    def find(self, tests: LoadTests) -> FoundRowKeys:
        """The situations of load tests."""
        situations, codes = self._situations(tests)
        figures = tuple(self.figures(each) for each in situations)
        if self._last[0] != situations:
            good = [each for each in figures if isinstance(each, Figures)]
            # A situation with a problem has the figures of another one; its rows are left out.
            sound = [each if isinstance(each, Figures) else good[0] for each in figures if good]
            self._last = (situations, constants_of(sound, self._house) if good else None)
        return FoundRowKeys(situations, figures, codes, self._last[1])

    def found(self, situation: Situation) -> FoundRowKeys:
        """One situation for all rows."""
        figures = self.figures(situation)
        constants = constants_of([figures], self._house) if isinstance(figures, Figures) else None
        return FoundRowKeys((situation,), (figures,), np.zeros(1, np.int32), constants)

    def figures(self, situation: Situation) -> Figures | Problem:
        """The figures of a situation, or what is wrong with it."""
        if situation not in self._figures:
            self._figures[situation] = figures_of(situation, self._catalog, self._at, self._plans)
        return self._figures[situation]

    def alone(self, situation: Situation, numbers: Mapping[str, int]) -> tuple[int, int]:
        """Machines of one row and what they cost, as the single estimate finds them.

        Args:
            situation: The row's.
            numbers: Of all columns of numbers that are there, the row's; ``NONE``: it has none.
        """
        key = (situation, tuple(numbers.items()))
        if key not in self._alone:
            figures = self.figures(situation)
            assert isinstance(figures, Figures), situation
            assert figures.machines is not None, situation
            scenario = replace(
                situation.scenario(numbers["users"], numbers["duration_s"]),
                **{
                    name: each
                    for name, each in numbers.items()
                    if NUMBERS[name].in_scenario and each != NONE
                },
            )
            fleet = cheapest_fleet(
                scenario,
                require(scenario, at=self._at),
                catalog=self._catalog,
                provider=figures.machines.provider,
                places=[[CandidateRegion(figures.machines.provider, figures.machines.region)]],
            )
            if len(self._alone) == ALONE_MAX:
                self._alone.clear()
            self._alone[key] = (fleet.machines, fleet.usd_micros)
        return self._alone[key]

    def _situations(self, tests: LoadTests) -> tuple[tuple[Situation, ...], Codes]:
        words = [tests.words.get(name, _ABSENT) for name in WORDS]
        columns: list[npt.NDArray[np.int64]] = [each.codes.astype(np.int64) + 1 for each in words]
        sizes = [len(each.names) + 1 for each in words]
        columns.append(_is_fixed(tests))
        sizes.append(2)
        mixed = np.zeros(1, np.int64)
        combinations = 1
        for column, size in zip(columns, sizes, strict=True):
            mixed = mixed * size + column
            combinations *= size
        occurring, codes = _distinct(mixed, combinations)
        situations = [self._situation(each, words, sizes) for each in occurring]
        order = sorted(range(len(situations)), key=lambda i: situations[i])
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return tuple(situations[i] for i in order), place[codes]

    def _situation(self, mixed: int, words: Sequence[Words], sizes: Sequence[int]) -> Situation:
        mixed, is_fixed = divmod(mixed, sizes[-1])
        said = {name: column.default for name, column in WORDS.items()} | {"plan": self._plan}
        for name, each, size in zip(
            reversed(WORDS), reversed(words), reversed(sizes[:-1]), strict=True
        ):
            mixed, code = divmod(mixed, size)
            if code and each.names[code - 1]:
                said[name] = each.names[code - 1]
        return Situation(**said, is_fixed=bool(is_fixed))


_ABSENT = Words((), np.full(1, -1, np.int32))


def _is_fixed(tests: LoadTests) -> Column:
    """1 for rows that fix their payload or injectors, where that changes more than these."""
    is_fixed = np.zeros(1, np.int64)
    if not {"provider", "region", "plan"} & tests.words.keys():
        return is_fixed
    for column in (tests.numbers.get(name) for name in SIZES):
        if column is not None:
            is_fixed = is_fixed | (column != NONE)
    return is_fixed


def _distinct(
    mixed: npt.NDArray[np.int64], combinations: int
) -> tuple[list[int], npt.NDArray[np.int64]]:
    """The numbers that occur, and for each entry the place of its own."""
    if len(mixed) == 1:
        return mixed.tolist(), np.zeros(1, np.int64)
    if combinations > COMBINATIONS_MAX:
        occurring, codes = np.unique(mixed, return_inverse=True)
        return occurring.tolist(), codes
    occurs = np.zeros(combinations, np.bool_)
    occurs[mixed] = True
    found = np.flatnonzero(occurs)
    place = np.zeros(combinations, np.int64)
    place[found] = np.arange(len(found))
    return found.tolist(), place[mixed]
