"""The steps that a calibration on a cloud plays, and what is made of looks at its machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.calibrating.staircase import Staircase, check_takes_steps, note_on, staircase, steps_of
from engine.load.driver import Look, UnrunnableScenarioError
from engine.load.sliced.work import measure_window_s
from engine.planning.requirement import require
from engine.scenario import Measured, Protocol, RegionShare, Request, Scenario, UserClass
from engine.scenario.profile import closed

TEST = Scenario(
    "shop",
    Protocol.HTTP,
    closed([(0, 70_000), (3_600, 70_000)]),
    target="http://shop.example.com",
    user_classes=(UserClass("a", think_time_s=(1, 1), requests=(Request("/"),)),),
    regions=(RegionShare("eu-west-1", 0.6), RegionShare("us-east-1", 0.4)),
)
STAIRS = Staircase(users=(20, 40, 80), settle_s=5, step_s=25)


def looks(user_us: int, cores: int, *, pace: float = 2.0, window_s: int = 10) -> list[Look]:
    """At a machine whose users take so many microseconds a second each, until it has no more."""
    found, busy_s, requests = [Look(0, 0, 0, 0, 0)], 0.0, 0.0
    for at_s in range(1, int(STAIRS.step_s * len(STAIRS.users)) + 1):
        users = STAIRS.users[min(int((at_s - 1) / STAIRS.step_s), len(STAIRS.users) - 1)]
        part = min(1.0, cores / (users * user_us / 1e6))
        busy_s += part * users * user_us / 1e6
        requests += part * users * pace
        if at_s % window_s == 0:
            found.append(Look(at_s, busy_s, 50 * 2**20 + users * 2**18, int(requests), 0))
    return found


def test_users_double_up_to_four_times_what_an_injector_is_to_carry() -> None:
    required = require(TEST)
    found = staircase(required, settle_s=3, window_s=8, users_max=28_000)
    assert found.users[-1] == 4 * required.users_per_injector
    assert found.users[-1] < 2 * required.at_least.users_per_injector
    known = Measured(1_000, 900, 1_100, 1_000_000, 40, "a calibration of 2026-11-22")
    measured = require(replace(TEST, measured=known))
    closer = staircase(measured, settle_s=3, window_s=8, users_max=28_000)
    assert closer.users[-1] == 2 * measured.at_least.users_per_injector
    for few, many in zip(found.users, found.users[1:], strict=False):
        assert few == many // 2
    assert staircase(require(TEST), 3, 8, users_max=45).users == (11, 22, 45)
    assert staircase(require(TEST), 3, 8, users_max=7).users == (3, 7)
    assert staircase(require(TEST), 3, 8, users_max=1).users == (1,)


@pytest.mark.parametrize("load_engine", ["jmeter", "gatling"])
def test_an_engine_that_is_told_no_steps_is_refused(load_engine: str) -> None:
    with pytest.raises(UnrunnableScenarioError, match="calibrate it on this computer"):
        check_takes_steps(replace(TEST, load_engine=load_engine))
    check_takes_steps(replace(TEST, load_engine="k6"))


@given(st.floats(0, 15), st.floats(1, 40), st.integers(1, 28_000))
def test_every_step_has_a_whole_window_after_its_users_have_settled(
    settle_s: float, window_s: float, users_max: int
) -> None:
    found = staircase(require(TEST), settle_s, window_s, users_max)
    window = measure_window_s(found.step_s * len(found.users))
    assert found.step_s >= settle_s + 2 * window
    assert found.step_s >= settle_s + window_s


def test_what_is_run_are_the_test_s_users_on_one_injector_of_its_first_region() -> None:
    played = STAIRS.played_by(TEST)
    assert played.user_classes == TEST.user_classes
    assert played.regions == (RegionShare("eu-west-1"),)
    assert require(played).injectors == 1
    profile = played.profile
    assert (profile.peak_users, profile.duration_s) == (80, 75)
    assert STAIRS.played_by(replace(TEST, regions=())).regions == ()


@pytest.mark.parametrize("cores", [1, 2])
def test_a_step_is_what_one_core_s_users_took_once_they_had_settled(cores: int) -> None:
    steps = steps_of(STAIRS, looks(user_us=10_000, cores=cores), cores)
    assert [step.users for step in steps] == [users // cores for users in STAIRS.users]
    for step in steps:
        assert step.processor_us_per_s == step.users * 10_000
        assert step.requests_per_s == pytest.approx(2 * step.users, rel=0.01)
        assert step.memory_kib == (50 * 1_024 + step.users * cores * 256) // cores


def test_a_step_in_which_the_machine_had_nothing_left_is_not_told() -> None:
    steps = steps_of(STAIRS, looks(user_us=20_000, cores=1), 1)
    assert [step.users for step in steps] == [20, 40]
    assert note_on(STAIRS, steps) == ""
    few = steps_of(STAIRS, looks(user_us=15_000, cores=1), 1)
    assert [round(step.processor_percent) for step in few] == [30, 60]
    assert note_on(STAIRS, few) == "with 80 users the injector had no processor time left"


def test_more_users_are_proposed_where_the_most_did_not_fill_the_machine() -> None:
    steps = steps_of(STAIRS, looks(user_us=1_000, cores=1), 1)
    assert len(steps) == 3
    assert "tried with 80 users at most" in note_on(STAIRS, steps)


def test_a_machine_that_was_not_looked_at_gives_no_step() -> None:
    assert steps_of(STAIRS, [], 1) == ()
    assert len(steps_of(STAIRS, looks(user_us=1_000, cores=1)[:4], 1)) == 1
