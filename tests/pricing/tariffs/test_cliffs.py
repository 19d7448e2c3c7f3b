"""Cliffs: the neighbours of a test across an edge of its price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pricing.tariffs import (
    Cliff,
    CliffDimension,
    LoadSize,
    Tariff,
    cliffs,
    load_tariff,
    price,
    tariff_names,
    tariff_versions,
)

MINUTE_S = 60
HOUR_S = 3_600

Step = tuple[CliffDimension, int, int, float, float]

TARIFFS = [version for name in tariff_names() for version in tariff_versions(name)]
SIZED_BY_USERS = [
    tariff
    for tariff in TARIFFS
    if "http" in tariff.users_per_injector or not tariff.looks_at_injectors
]


def steps(tariff: str, usage: LoadSize) -> list[Step]:
    return [as_step(each) for each in cliffs(load_tariff(tariff), usage)]


def as_step(cliff: Cliff) -> Step:
    here, there = float(cliff.price_here.quantity), float(cliff.price_there.quantity)
    return cliff.size, cliff.here, cliff.there, here, there


def test_101_injectors_are_one_above_loadview_s_cliff() -> None:
    assert steps("loadview", LoadSize(101, None, 3 * MINUTE_S)) == [
        (CliffDimension.INJECTORS, 101, 100, 1_515, 500)
    ]


def test_100_injectors_stand_at_its_edge() -> None:
    assert steps("loadview", LoadSize(100, None, 3 * MINUTE_S)) == [
        (CliffDimension.INJECTORS, 100, 101, 500, 1_515)
    ]


def test_users_that_need_the_101st_injector_have_both_ways_back() -> None:
    found = steps("loadview", LoadSize(None, 50_001, 3 * MINUTE_S))
    assert found == [
        (CliffDimension.INJECTORS, 101, 100, 1_515, 500),
        (CliffDimension.USERS, 50_001, 50_000, 1_515, 500),
    ]


def test_a_fleet_well_beyond_a_cliff_is_not_sent_back_across_it() -> None:
    assert steps("loadview", LoadSize(112, None, 3 * MINUTE_S)) == []
    assert steps("loadview", LoadSize(111, None, 3 * MINUTE_S)) == [
        (CliffDimension.INJECTORS, 111, 100, 1_665, 500)
    ]


def test_the_cliff_is_gone_once_the_test_lasts_longer_than_the_floors() -> None:
    assert steps("loadview", LoadSize(101, None, HOUR_S)) == []


def test_one_user_less_saves_a_whole_injector() -> None:
    assert steps("on-demand", LoadSize(None, 501, HOUR_S)) == [
        (CliffDimension.USERS, 501, 500, 120, 60)
    ]
    assert steps("on-demand", LoadSize(None, 9, HOUR_S, "browser")) == [
        (CliffDimension.USERS, 9, 8, 120, 60)
    ]


def test_one_user_more_takes_a_whole_injector() -> None:
    assert steps("on-demand", LoadSize(None, 500, HOUR_S)) == [
        (CliffDimension.USERS, 500, 501, 60, 120)
    ]
    assert steps("browserstack", LoadSize(None, 1_000, HOUR_S)) == [
        (CliffDimension.USERS, 1_000, 1_001, 1_000, 2_000)
    ]


def test_a_step_among_many_injectors_is_too_small_for_a_word() -> None:
    assert steps("on-demand", LoadSize(None, 10_000, HOUR_S)) == []
    assert steps("on-demand", LoadSize(None, 10_001, HOUR_S)) == []


def test_a_second_beyond_the_hour_doubles_what_is_counted_by_the_hour() -> None:
    over = LoadSize(10, None, HOUR_S + 1)
    assert steps("realload", over) == [(CliffDimension.DURATION, HOUR_S + 1, HOUR_S, 20, 10)]
    assert steps("realload", replace(over, duration_s=HOUR_S)) == [
        (CliffDimension.DURATION, HOUR_S, HOUR_S + 1, 10, 20)
    ]
    assert steps("blazemeter", LoadSize(None, 60, 62 * MINUTE_S)) == [
        (CliffDimension.DURATION, 62 * MINUTE_S, HOUR_S, 120, 60)
    ]


def test_within_the_floor_a_shorter_test_saves_nothing() -> None:
    assert steps("loadview", LoadSize(10, None, 4 * MINUTE_S + 1)) == []


def test_the_nearest_minute_has_its_edge_at_half_a_minute() -> None:
    tariff = replace(load_tariff("testable"), floors=())
    (found,) = cliffs(tariff, LoadSize(None, 60, 4 * MINUTE_S + 30))
    assert as_step(found) == (CliffDimension.DURATION, 270, 269, 5, 4)


def test_what_is_metered_by_the_second_has_no_cliffs() -> None:
    assert steps("loadster", LoadSize(None, 1_001, HOUR_S + 1)) == []


def test_a_fixed_fleet_keeps_its_injectors_when_users_go() -> None:
    assert steps("on-demand", LoadSize(2, 501, HOUR_S)) == []


def test_a_fleet_spread_over_regions_is_asked_for_its_injectors() -> None:
    def over_two_regions(users: int) -> int:
        return 2 * -(-users // 1_000)

    found = cliffs(load_tariff("on-demand"), LoadSize(None, 1_002, HOUR_S), over_two_regions)
    assert [as_step(each) for each in found] == [(CliffDimension.USERS, 1_002, 1_000, 240, 120)]


def test_the_longest_and_the_largest_test_have_no_neighbour_beyond() -> None:
    longest = LoadSize(1_000_000, 10**9, 366 * 24 * HOUR_S)
    for tariff in TARIFFS:
        assert all(each.is_cheaper for each in cliffs(tariff, longest)), tariff.name


@given(
    st.sampled_from(SIZED_BY_USERS),
    st.one_of(st.integers(1, 100), st.integers(1, 200_000)),
    st.one_of(st.integers(1, 7_300), st.integers(1, 100_000)),
)
def test_every_cliff_is_near_and_its_price_is_the_neighbour_s(
    tariff: Tariff, users: int, duration_s: int
) -> None:
    for cliff in cliffs(tariff, LoadSize(None, users, duration_s)):
        here, there = cliff.price_here.quantity, cliff.price_there.quantity
        assert price(tariff, cliff.usage) == cliff.price_there
        assert cliff.there >= 1
        if cliff.is_cheaper:
            assert there * 10 <= here * 9
            assert cliff.here - cliff.there <= max(1, cliff.here // 10)
        else:
            assert there * 4 >= here * 5
            assert cliff.there == cliff.here + 1


@given(st.sampled_from(SIZED_BY_USERS), st.integers(2, 50_000), st.integers(1, 20_000))
def test_whenever_one_user_less_saves_a_quarter_it_is_said(
    tariff: Tariff, users: int, duration_s: int
) -> None:
    here = price(tariff, LoadSize(None, users, duration_s)).quantity
    one_less = price(tariff, LoadSize(None, users - 1, duration_s)).quantity
    if one_less * 4 <= here * 3 and users >= 9:
        found = cliffs(tariff, LoadSize(None, users, duration_s))
        assert any(each.size is CliffDimension.USERS and each.is_cheaper for each in found)


@pytest.mark.parametrize("users", [1, 2])
def test_the_smallest_tests_have_no_cheaper_neighbour(users: int) -> None:
    for tariff in SIZED_BY_USERS:
        found = cliffs(tariff, LoadSize(None, users, 1))
        assert not any(each.is_cheaper for each in found), tariff.name
