"""The rows of known columns, and the values that have a field for each."""

from __future__ import annotations

import numpy as np
import pytest

from engine.scenario import Scenario
from engine.sweeping.axes import Axes
from engine.sweeping.grid import grid_of
from engine.sweeping.kernel import Filled
from engine.sweeping.known_columns import ESTIMATES, INPUTS, WORDS
from engine.sweeping.row_keys import Situation
from engine.sweeping.sweep import OnError, sweep


def test_every_estimate_and_every_word_is_a_field() -> None:
    assert Filled.__struct_fields__ == ESTIMATES
    assert Situation.__struct_fields__ == (*WORDS, "is_fixed")
    in_scenario = {each.name for each in INPUTS if each.in_scenario}
    assert in_scenario <= set(Scenario.__struct_fields__)


def test_a_grid_varies_all_of_its_optional_numbers() -> None:
    numbers = {"users": [50, 60], "duration_s": [60], "users_per_injector": [7, 8]}
    grid = grid_of(Axes({**numbers, "injectors": [1, 2, 3]}, {"protocol": ["http", "jmeter"]}))
    rows = [grid.at(place) for place in range(grid.what_ifs)]
    said = [(each.situation.protocol, *each.numbers.values()) for each in rows]
    assert len(set(said)) == len(said) == 2 * 2 * 2 * 3
    by_block = [
        block.load_tests().numbers[name].tolist() * (1 if name == "users" else 2)
        for block in grid.blocks()
        for name in ("users", "injectors")
    ]
    both = zip(by_block[::2], by_block[1::2], strict=True)
    found = [pair for users, injectors in both for pair in zip(users, injectors, strict=True)]
    assert found == [(each.numbers["users"], each.numbers["injectors"]) for each in rows]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_row_that_fixes_its_injectors_is_not_refused_for_those_of_another(compiled: bool) -> None:
    swept = sweep(
        {
            "users": np.array([1_000_000_000, 1_000_000_000]),
            "duration_s": 60,
            "injectors": np.array([5, 0]),
        },
        on_error=OnError.MARK,
        compiled=compiled,
    )
    assert [each.row for each in swept.problems] == [1]
    assert swept.injectors.tolist() == [5, 0]
