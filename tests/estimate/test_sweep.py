"""Columns of load tests give what each load test gives alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.planning.requirement import require
from engine.planning.sweep import CHUNK_ROWS, BadColumnError, payloads, sweep
from engine.profile import closed
from engine.scenario import Protocol, Scenario
from pricing.plans import find_plan
from pricing.quotes import quote_run
from pricing.tariffs import Tariff, Usage, load_tariff, price


@pytest.fixture(scope="module")
def tariff() -> Tariff:
    return load_tariff("on-demand")


rows = st.tuples(st.integers(1, 400_000), st.integers(1, 10_000_000), st.integers(1, 30_000))


@given(st.lists(rows, min_size=1, max_size=20))
def test_each_row_is_what_requirement_and_quote_say(tests: list[tuple[int, int, int]]) -> None:
    result = sweep(*np.array(tests).T, tariff=load_tariff("on-demand"))
    for row, (users, duration_s, payload) in enumerate(tests):
        scenario = Scenario(
            "row",
            Protocol.HTTP,
            closed([(0, users), (duration_s, users)]),
            users_per_injector=payload,
        )
        requirement = require(scenario)
        usage = Usage(requirement.injectors, users, duration_s)
        quote = quote_run(find_plan("on-demand"), usage)
        assert result.injectors[row] == requirement.injectors
        assert result.li_minutes[row] == requirement.li_minutes == quote.li_minutes
        assert result.usd_micros[row] == quote.total


def test_a_hundred_thousand_rows_are_the_single_prices_to_the_micro_dollar(tariff: Tariff) -> None:
    count = 100_000
    random = np.random.default_rng(7)
    users = random.integers(1, 300_000, count)
    duration_s = random.integers(1, 20_000, count)
    payload = random.choice([8, 20, 250, 500, 28_232], count)
    result = sweep(users, duration_s, payload, tariff=tariff)
    assert (result.injectors == -(-users // payload)).all()
    alone = [
        price(tariff, Usage(injectors, each_users, each_s))
        for injectors, each_users, each_s in zip(
            result.injectors.tolist(), users.tolist(), duration_s.tolist(), strict=True
        )
    ]
    assert result.li_minutes.tolist() == [charge.quantity for charge in alone]
    assert result.usd_micros.tolist() == [charge.usd_micros for charge in alone]


def test_the_edges_of_floors_and_chunks(tariff: Tariff) -> None:
    injectors = [1, 100, 101, 500, 501]
    result = sweep(np.array(injectors) * 500, 180, 500, tariff=tariff)
    assert result.injectors.tolist() == injectors
    assert result.li_minutes.tolist() == [5, 500, 1_515, 7_500, 15_030]
    for count in (1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1):
        column = np.full(count, 1_000)
        assert (sweep(column, column, column, tariff=tariff).li_minutes == 17).all()


def test_the_largest_numbers_do_not_overflow(tariff: Tariff) -> None:
    users, duration_s = 1_000_000, 366 * 86_400
    result = sweep([users], [duration_s], [1], tariff=tariff)
    alone = price(tariff, Usage(users, users, duration_s))
    assert (result.li_minutes[0], result.usd_micros[0]) == (alone.quantity, alone.usd_micros)


def test_a_protocol_has_its_recommended_payload() -> None:
    assert payloads(["http", "browser", "websocket", "http"]).tolist() == [500, 8, 28_232, 500]


def test_an_unknown_protocol_is_refused_with_its_row() -> None:
    with pytest.raises(BadColumnError, match="protocol, row 2: 'gopher' is unknown"):
        payloads(["http", "browser", "gopher"])


@pytest.mark.parametrize(
    ("users", "duration_s", "payload", "expected"),
    [
        ([5, 0], [60, 60], [1, 1], "users, row 1: users must be from 1 to 1000000000, not 0"),
        ([5], [-1], [1], "duration_s, row 0: duration_s must be from 1"),
        ([5], [60], [0], "users_per_injector, row 0"),
        ([5.0], [60], [1], "users: must be a column of whole numbers"),
        ([[5]], [60], [1], "users: must be a column of whole numbers"),
        ([5, 5], [60, 60, 60], [1], "the columns have different lengths: 2, 3, 1"),
        ([1_000_001], [60], [1], "users, row 0: injectors must be from 1 to 1000000"),
        (np.array([2**63], np.uint64), [60], [1], "users, row 0"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(
    users: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    payload: npt.ArrayLike,
    expected: str,
    tariff: Tariff,
) -> None:
    with pytest.raises(BadColumnError, match=expected):
        sweep(users, duration_s, payload, tariff=tariff)
