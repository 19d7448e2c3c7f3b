"""Columns in, columns out: edges, threads, and rows that are no load tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.planning.requirement import require
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from engine.sweeping.columns import BadColumnError
from engine.sweeping.compiled import CHUNK_ROWS as COMPILED_CHUNK_ROWS
from engine.sweeping.kernel import CHUNK_ROWS
from engine.sweeping.sweep import OnError, sweep
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import quote_run
from pricing.tariffs import LoadSize, load_tariff, price

rows = st.tuples(st.integers(1, 400_000), st.integers(1, 10_000_000), st.integers(1, 30_000))


@given(st.lists(rows, min_size=1, max_size=20), st.booleans())
def test_each_row_is_what_requirement_and_quote_say(
    tests: list[tuple[int, int, int]], compiled: bool
) -> None:
    users, duration_s, payload = np.array(tests).T
    given_columns = {"users": users, "duration_s": duration_s, "users_per_injector": payload}
    result = sweep(given_columns, compiled=compiled)
    for row, (users_there, length_s, payload_there) in enumerate(tests):
        scenario = Scenario(
            "row",
            Protocol.HTTP,
            closed([(0, users_there), (length_s, users_there)]),
            users_per_injector=payload_there,
        )
        requirement = require(scenario)
        usage = LoadSize(requirement.injectors, users_there, length_s)
        quote = quote_run(find_plan("on-demand", BUNDLED_PLANS), usage)
        assert result.injectors[row] == requirement.injectors
        assert result.li_minutes[row] == requirement.li_minutes == quote.li_minutes
        assert result.usd_micros[row] == quote.total


@pytest.mark.parametrize("compiled", [False, True])
def test_twenty_thousand_rows_are_the_single_prices_to_the_micro_dollar(compiled: bool) -> None:
    count = 20_000
    rng = np.random.default_rng(7)
    users = rng.integers(1, 300_000, count)
    duration_s = rng.integers(1, 20_000, count)
    payload = rng.choice([8, 20, 250, 500, 28_232], count)
    result = sweep(
        {"users": users, "duration_s": duration_s, "users_per_injector": payload},
        compiled=compiled,
        threads=2,
    )
    assert (result.injectors == -(-users // payload)).all()
    tariff = load_tariff("on-demand")
    alone = [
        price(tariff, LoadSize(injectors, each_users, each_s))
        for injectors, each_users, each_s in zip(
            result.injectors.tolist(), users.tolist(), duration_s.tolist(), strict=True
        )
    ]
    assert result.li_minutes.tolist() == [charge.quantity for charge in alone]
    assert result.usd_micros.tolist() == [charge.usd_micros for charge in alone]


@pytest.mark.parametrize("compiled", [False, True])
def test_the_edges_of_floors_and_chunks(compiled: bool) -> None:
    injectors = [1, 100, 101, 500, 501]
    result = sweep({"users": np.array(injectors) * 500, "duration_s": 180}, compiled=compiled)
    assert result.injectors.tolist() == injectors
    assert result.li_minutes.tolist() == [5, 500, 1_515, 7_500, 15_030]
    for edge in (CHUNK_ROWS, COMPILED_CHUNK_ROWS):
        for count in (1, edge - 1, edge, edge + 1):
            column = np.full(count, 1_000)
            made = sweep({"users": column, "duration_s": column}, compiled=compiled, threads=2)
            assert (made.li_minutes == 34).all()
            assert len(made.usd_micros) == count


@pytest.mark.parametrize("compiled", [False, True])
def test_no_rows_make_no_rows(compiled: bool) -> None:
    none = np.zeros(0, np.int64)
    result = sweep({"users": none, "duration_s": none, "region": none}, compiled=compiled)
    assert len(result.usd_micros) == len(result.problems) == 0


@pytest.mark.parametrize("compiled", [False, True])
def test_the_largest_numbers_do_not_overflow(compiled: bool) -> None:
    users, duration_s = 1_000_000, 366 * 86_400
    result = sweep(
        {"users": [users], "duration_s": [duration_s], "users_per_injector": 1}, compiled=compiled
    )
    alone = price(load_tariff("on-demand"), LoadSize(users, users, duration_s))
    assert (result.li_minutes[0], result.usd_micros[0]) == (alone.quantity, alone.usd_micros)


def test_columns_are_filled_again_where_they_are_given() -> None:
    first = sweep({"users": [1, 2], "duration_s": 60})
    again = sweep({"users": [600, 2], "duration_s": 60}, out=first)
    assert again.injectors is first.injectors
    assert first.injectors.tolist() == [2, 1]


def test_the_same_length_is_said_in_seconds_or_in_words() -> None:
    said = {"users": [900, 900, 900], "duration": ["10m", "1h30m", "90s"]}
    seconds = {"users": 900, "duration_s": [600, 5_400, 90]}
    assert np.array_equal(sweep(said).usd_micros, sweep(seconds).usd_micros)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"users": [5, 0]}, "users, row 1: must be from 1 to 1,000,000,000, not 0"),
    ({"users": [5, 7.0, float("nan")]}, "users, row 2: holds no number"),
    ({"users": [5, 7.5]}, "users, row 1: must be a whole number, not 7.5"),
    ({"users": [5, float("inf")]}, "users, row 1: must be a whole number, not inf"),
    ({"users": ["5", "10k"]}, "users, row 1: must be a whole number, not '10k'"),
    ({"users": [5, None, 7]}, "users, row 1: holds no number"),
    ({"users": np.array([3, 2**63], np.uint64)}, "users, row 1: must be a whole number"),
    ({"users": [5], "duration_s": [-1]}, "duration_s, row 0: must be from 1 to 31,622,400"),
    ({"users": [5], "users_per_injector": [-2]}, "users_per_injector, row 0: must be from 1"),
    ({"users": [5, 9], "injectors": [5, 10]}, "injectors, row 1: 10 cannot share 9 users"),
    (
        {"users": [5, 9], "injectors": [1, 1], "users_per_injector": [0, 3]},
        "injectors, row 1: there is users_per_injector too",
    ),
    (
        {"users": [5, 5], "duration": ["10m", "600"]},
        "duration, row 1: '600' has no unit; write 90s, 10m or 1h30m in each row",
    ),
    ({"users": [5, 5], "duration": ["10m", "soon"]}, "duration, row 1: 'soon' is not a length"),
    ({"users": [5, 5], "duration": ["10m", None]}, "duration, row 1: holds no length of time"),
    (
        {"users": [5, 5, 5], "protocol": ["http", "browser", "gopher"]},
        "protocol, row 2: 'gopher' is unknown; there are http",
    ),
    (
        {"users": [5, 5], "region": ["us-east-1", "us-esat-1"]},
        "region, row 1: no region 'us-esat-1' of aws or azure in the catalogue; near it: us-",
    ),
    ({"users": [5], "region": ["eu-*"]}, "region, row 0: 'eu-\\*' is no one region"),
    ({"users": [5], "provider": ["gcp"]}, "provider, row 0: 'gcp' is unknown; there are aws"),
    (
        {"users": [5], "provider": ["aws"], "instance_type": ["c7i.hug"]},
        "instance_type, row 0: aws machine type 'c7i.hug' is not in the catalogue",
    ),
    (
        {"users": [5], "provider": ["aws"], "instance_type": ["t3.micro"]},
        "instance_type, row 0: t3.micro is burstable",
    ),
    ({"users": [5], "instance_type": ["c7i.large"]}, "instance_type, row 0: needs a provider"),
    ({"users": [5], "plan": ["gold"]}, "plan, row 0: no plan or tariff 'gold'; there are on-dem"),
    (
        {"users": [5], "plan": ["loadview"]},
        "plan, row 0: loadview: a price of an LI-minute on demand was not found",
    ),
    (
        {"users": [5, 2_000_000], "users_per_injector": 1},
        "users, row 1: need 2,000,000 injectors; at most 1,000,000 are priced",
    ),
]


@pytest.mark.parametrize(("columns", "expected"), BAD)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_bad_row_is_refused_with_column_and_row_or_marked(
    columns: dict[str, Any], expected: str, compiled: bool
) -> None:
    if "duration" not in columns:
        columns = {"duration_s": 60, **columns}
    with pytest.raises(BadColumnError, match=expected) as refused:
        sweep(columns, compiled=compiled)
    marked = sweep(columns, on_error=OnError.MARK, compiled=compiled)
    (problem,) = marked.problems
    assert (problem.column, problem.row) == (
        refused.value.facts["column"],
        refused.value.facts["row"],
    )
    assert marked.usd_micros[problem.row] == marked.injectors[problem.row] == 0
    good = np.arange(len(marked.usd_micros)) != problem.row
    assert (marked.usd_micros[good] > 0).all()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"users": [[5]], "duration_s": 60}, "users: must be a column of whole numbers"),
        ({"users": [5, 5], "duration_s": [60, 60, 60]}, "have different lengths: users 2"),
        ({"duration_s": 60}, "users: there is no such column"),
        ({"users": 5}, "duration_s: there is no such column, nor one called duration"),
        ({"users": 5, "duration_s": 60, "duration": "1m"}, "duration: there is duration_s too"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(columns: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadColumnError, match=expected):
        sweep(columns, on_error=OnError.MARK)


def test_the_first_of_several_bad_rows_is_named_and_all_are_marked() -> None:
    columns = {
        "users": [5, 0, 5, 5, 2_000_000_000],
        "duration_s": [60, 60, 0, 60, 60],
        "region": ["eu-west-1", "eu-west-1", "eu-west-1", "nowhere", "eu-west-1"],
    }
    with pytest.raises(BadColumnError, match="users, row 1"):
        sweep(columns)
    marked = sweep(columns, on_error=OnError.MARK)
    assert [each.row for each in marked.problems] == [1, 2, 3, 4]
    assert [each.column for each in marked.problems] == ["users", "duration_s", "region", "users"]
    assert marked.machines is not None
    assert marked.machines.tolist() == [1, 0, 0, 0, 0]
