"""How many injectors a scenario takes, and for how many LI-minutes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.places import equal_shares
from engine.planning.requirement import (
    ImpossibleLoadError,
    RegionRequirement,
    UnknownPeakError,
    require,
    split,
)
from engine.scenario import Protocol, RegionShare, Scenario
from engine.scenario.profile import Curve, OpenProfile, Point, closed


def http(users: int, duration_s: int = 600) -> Scenario:
    return Scenario("http", Protocol.HTTP, closed([(0, users), (duration_s, users)]))


def test_a_thousand_http_users_for_forty_minutes_are_two_injectors_and_eighty_li_minutes(
    thousand_users: Scenario,
) -> None:
    requirement = require(thousand_users)
    assert (requirement.injectors, requirement.users_per_injector) == (2, 500)
    assert (requirement.li_minutes, requirement.startup_li_minutes) == (80, 10)
    assert requirement.binding == "cpu"


def test_ten_injectors_for_three_minutes_are_fifty_li_minutes() -> None:
    assert require(http(5_000, 180)).li_minutes == 50


def test_c36_a_started_minute_counts_whole() -> None:
    assert require(http(500, 601)).li_minutes == 11


def test_the_floor_goes_by_the_whole_fleet() -> None:
    assert require(http(50_000, 180)).li_minutes == 500
    assert require(http(50_001, 180)).li_minutes == 1_515


def test_r33_a_fixed_number_of_injectors_sets_the_payload_and_the_li_minutes(
    thousand_users: Scenario,
) -> None:
    requirement = require(replace(thousand_users, injectors=7))
    assert (requirement.injectors, requirement.users_per_injector) == (7, 143)
    assert requirement.li_minutes == 280
    assert (requirement.binding, requirement.recommended_users_per_injector) == ("given", 500)


def test_a_measured_payload_replaces_the_recommended_one(thousand_users: Scenario) -> None:
    requirement = require(replace(thousand_users, users_per_injector=90))
    assert (requirement.injectors, requirement.users_per_injector) == (12, 90)
    assert requirement.binding == "given"


def test_each_region_rounds_up_by_itself() -> None:
    spread = replace(http(1_001), regions=equal_shares(["a", "b", "c"]))
    requirement = require(spread)
    assert requirement.regions == (
        RegionRequirement("a", 334, 1, 0),
        RegionRequirement("b", 334, 1, 0),
        RegionRequirement("c", 333, 1, 0),
    )
    assert requirement.injectors == 3


def test_a_reference_injector_a_region_counts_as_an_injector() -> None:
    spread = replace(http(1_000), regions=equal_shares(["a", "b"]), reference_injector=True)
    requirement = require(spread)
    assert [part.reference_injectors for part in requirement.regions] == [1, 1]
    assert (requirement.injectors, requirement.li_minutes) == (4, 40)


def test_fixed_injectors_are_spread_by_users_with_one_for_each_region() -> None:
    shares = (RegionShare("a", 0.98), RegionShare("b", 0.02))
    requirement = require(replace(http(1_000), regions=shares, injectors=8))
    assert [part.injectors for part in requirement.regions] == [7, 1]
    assert requirement.users_per_injector == 140


def test_a_region_without_users_needs_no_injector() -> None:
    spread = replace(http(2), regions=equal_shares(["a", "b", "c"]), reference_injector=True)
    assert [part.region for part in require(spread).regions] == ["a", "b"]
    assert require(spread).injectors == 4


@pytest.mark.parametrize(("users", "regions", "injectors"), [(5, 1, 6), (5, 3, 2)])
def test_injectors_that_users_cannot_be_spread_over_are_refused(
    users: int, regions: int, injectors: int
) -> None:
    spread = replace(http(users), regions=equal_shares("abc"[:regions]), injectors=injectors)
    with pytest.raises(ImpossibleLoadError, match=f"{injectors} cannot share {users} users"):
        require(spread)


def test_an_open_model_without_the_length_of_an_iteration_is_refused_with_both_ways_out() -> None:
    arrivals = Curve((Point(0, 20), Point(600, 20)))
    open_scenario = replace(http(1), profile=OpenProfile(arrivals))
    with pytest.raises(UnknownPeakError, match=r"--iteration-seconds, or iteration: under"):
        require(open_scenario)
    known = replace(open_scenario, profile=OpenProfile(arrivals, iteration_s=30))
    assert require(known).injectors == 2
    capped = replace(open_scenario, profile=OpenProfile(arrivals, max_users=400))
    assert require(capped).injectors == 1


def test_a_user_too_large_for_an_injector_is_refused() -> None:
    huge = replace(http(1), requests_per_user_s=1.0, response_bytes=100_000_000)
    with pytest.raises(ImpossibleLoadError, match="takes more network than a standard injector"):
        require(huge)


shares = st.lists(st.integers(1, 1_000).map(Fraction), min_size=1, max_size=6)


@given(st.integers(0, 100_000), shares)
def test_a_split_adds_up_and_stays_near_the_shares(total: int, parts: list[Fraction]) -> None:
    result = split(total, parts)
    assert sum(result) == total
    for part, share in zip(result, parts, strict=True):
        assert abs(part - total * share / sum(parts)) <= len(parts)


@given(st.integers(0, 3_000), shares)
def test_r3_one_more_user_takes_none_from_any_region(total: int, parts: list[Fraction]) -> None:
    before, after = split(total, parts), split(total + 1, parts)
    assert all(b <= a for b, a in zip(before, after, strict=True))


@given(
    users=st.integers(1, 500_000),
    more_users=st.integers(0, 500_000),
    duration_s=st.integers(1, 100_000),
    more_s=st.integers(0, 100_000),
    regions=st.integers(1, 4),
    payload=st.none() | st.integers(1, 1_000),
)
def test_r3_more_users_or_more_time_never_take_fewer_li_minutes(
    users: int, more_users: int, duration_s: int, more_s: int, regions: int, payload: int | None
) -> None:
    def taken(users: int, duration_s: int) -> int:
        scenario = replace(
            http(users, duration_s),
            regions=equal_shares("abcd"[:regions]),
            users_per_injector=payload,
        )
        return require(scenario).li_minutes

    assert taken(users, duration_s) <= taken(users + more_users, duration_s + more_s)


@given(users=st.integers(1, 100_000), regions=st.integers(1, 4), data=st.data())
def test_r33_any_fixed_number_is_kept_and_carries_everybody(
    users: int, regions: int, data: st.DataObject
) -> None:
    scenario = replace(http(users), regions=equal_shares("abcd"[:regions]))
    busy = len(require(scenario).regions)
    injectors = data.draw(st.integers(busy, users))
    requirement = require(replace(scenario, injectors=injectors))
    assert sum(part.injectors for part in requirement.regions) == injectors
    assert all(
        part.users <= part.injectors * requirement.users_per_injector
        and part.injectors <= part.users
        for part in requirement.regions
    )
