"""The steps of users that a load generator is told follow the planned curve."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.load.driver import UnrunnableScenarioError
from engine.load.shape import STEP_S, UserPlan, plan_users
from engine.scenario.profile import Curve, OpenProfile, Point, closed

CURVES = st.lists(
    st.tuples(st.floats(0, 60, allow_subnormal=False), st.integers(0, 500)),
    min_size=2,
    max_size=6,
).filter(lambda pairs: max(at_s for at_s, _ in pairs) > 1 and any(users for _, users in pairs))


def played(plan: UserPlan, lateness_s: float = 0.0) -> list[tuple[float, int]]:
    """The steps of a load generator that comes round a little late every time."""
    steps: list[tuple[float, int]] = []
    at_s, most_so_far = 0.0, 0
    while at_s < plan.duration_s:
        users = plan.users_for(at_s, most_so_far)
        steps.append((at_s, users))
        most_so_far = max(most_so_far, users)
        at_s += STEP_S + lateness_s
    return steps


def test_a_ramp_a_hold_and_a_ramp_down_are_climbed_held_and_descended() -> None:
    plan = plan_users(closed([(0, 0), (4, 40), (7, 40), (9, 0)]))
    assert [users for _, users in played(plan)] == [5, 15, 25, 35, 40, 40, 40, 30, 10]


def test_a_jump_is_one_step() -> None:
    plan = plan_users(closed([(0, 5), (3, 5), (3, 100), (5, 100)]))
    assert [users for _, users in played(plan)] == [5, 5, 5, 100, 100]


def test_there_are_no_users_before_the_curve_begins_nor_in_a_gap() -> None:
    plan = plan_users(closed([(2, 4), (3, 4), (3, 0), (5, 0), (5, 4), (6, 4)]))
    assert [users for _, users in played(plan)] == [0, 0, 4, 0, 0, 4]


def test_a_spike_shorter_than_a_step_reaches_its_peak() -> None:
    plan = plan_users(closed([(0, 1), (3.2, 1), (3.4, 50), (3.6, 1), (6, 1)]))
    assert [users for _, users in played(plan)] == [1, 1, 1, 50, 1, 1]


def test_a_test_played_ten_times_as_fast_takes_a_tenth_of_its_time_and_all_of_its_users() -> None:
    plan = plan_users(closed([(0, 0), (60, 30), (120, 0)]), time_scale=10)
    assert plan.duration_s == pytest.approx(12)
    assert plan.peak_users == max(users for _, users in played(plan)) == 30


@given(CURVES, st.floats(0, 0.5))
def test_the_peak_is_reached_and_never_exceeded_however_late_the_steps_come(
    pairs: list[tuple[float, int]], lateness_s: float
) -> None:
    profile = closed(sorted(pairs, key=lambda pair: pair[0]))
    steps = played(plan_users(profile), lateness_s)
    assert all(0 <= users <= profile.peak_users for _, users in steps)
    last_s = steps[-1][0] + STEP_S
    peaks_s = [p.at_s for p in profile.users.points if p.level == profile.users.peak]
    if max(peaks_s) <= last_s:
        assert max(users for _, users in steps) == profile.peak_users


@given(st.integers(1, 1000), st.integers(2, 120))
def test_the_users_of_a_ramp_are_those_of_its_triangle_to_one_user(peak: int, length: int) -> None:
    plan = plan_users(closed([(0, 0), (length, peak)]))
    steps = played(plan)
    user_seconds = sum(users * STEP_S for _, users in steps)
    top_step = peak / length / 2
    assert abs(user_seconds - plan.curve.area) <= length + top_step + 1


def test_arrivals_become_users_by_the_length_of_their_stay_and_say_so() -> None:
    arrivals = OpenProfile(Curve((Point(0, 10), Point(4, 10))), iteration_s=2.5)
    plan = plan_users(arrivals)
    assert [users for _, users in played(plan)] == [25, 25, 25, 25]
    assert plan.approximation == "arrivals were approximated by users: arrivals per second x 2.5 s"


def test_arrivals_are_capped_where_the_profile_caps_them() -> None:
    arrivals = OpenProfile(Curve((Point(0, 10), Point(4, 10))), iteration_s=2.5, max_users=12)
    assert {users for _, users in played(plan_users(arrivals))} == {12}


def test_arrivals_of_unknown_length_are_refused() -> None:
    arrivals = OpenProfile(Curve((Point(0, 10), Point(4, 10))), max_users=100)
    with pytest.raises(UnrunnableScenarioError, match="--iteration-seconds"):
        plan_users(arrivals)


def test_fractions_of_users_are_whole_users() -> None:
    plan = plan_users(closed([(0, 0.2), (3, 0.2)]))
    assert [users for _, users in played(plan)] == [math.ceil(0.2)] * 3
