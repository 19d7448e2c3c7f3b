"""Which numbers of users a calibration tries, and when it knows enough."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.calibrating.step import CalibrationStep
from engine.calibrating.steps import (
    CEILING_PERCENT,
    STEPS_MAX,
    next_users,
    problem,
    telling_steps,
    too_little,
)
from tests.engine.calibrating.injectors import PaperInjector, failing

injectors = st.builds(
    PaperInjector,
    idle_us=st.floats(0, 30_000),
    user_us=st.floats(20, 200_000),
    pace=st.floats(0.01, 100),
    noise=st.lists(st.floats(0.9, 1.1), min_size=1, max_size=5),
)


@given(injectors)
@example(PaperInjector(idle_us=18_562, user_us=22, noise=[1.0, 1.0, 1.0, 1.0625, 0.90625]))
def test_it_ends_with_the_ceiling_crossed_and_never_tries_fewer_users(
    injector: PaperInjector,
) -> None:
    steps = injector.climb()
    users = [step.users for step in steps]
    # Only where the first were too many already, half as many come after them.
    assert users == sorted(set(users)) or users == [10, 5]
    assert len(steps) <= STEPS_MAX
    most = max(steps, key=lambda step: step.users)
    assert most.processor_percent >= CEILING_PERCENT or most.users == 28_000


@given(injectors, st.integers(1, 500))
def test_it_never_tries_more_users_than_allowed(injector: PaperInjector, most: int) -> None:
    assert all(step.users <= most for step in injector.climb(most))


def test_light_users_are_multiplied_until_the_processor_shows_them() -> None:
    users = [step.users for step in PaperInjector(idle_us=100, user_us=25).climb()]
    assert users[0] == 10
    assert users[1] >= 200
    assert len(users) <= 9


def test_users_that_fill_the_core_at_once_are_halved_to_tell_them_from_the_engine() -> None:
    steps = PaperInjector(user_us=100_000).climb()
    assert [step.users for step in steps] == [10, 5]
    assert too_little(steps) is None


def test_as_many_users_as_are_allowed_are_halved_where_the_processor_shows_them() -> None:
    assert [step.users for step in PaperInjector(user_us=10_000).climb(8)] == [8, 4]
    assert [step.users for step in PaperInjector(user_us=100).climb(8)] == [8]
    assert [step.users for step in PaperInjector(user_us=100_000).climb(1)] == [1]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([PaperInjector(idle_us=2_000, user_us=20).step(1)], "took 0.2 % of a core at most, and 3"),
        ([PaperInjector().step(10), PaperInjector().step(80)], "took 2.5 % of a core at most"),
        ([PaperInjector().step(900)], "only 900 users could be measured, and two numbers"),
        ([PaperInjector().step(900), failing(PaperInjector().step(1_800), 0.2)], "only 900 users"),
        ([PaperInjector().step(10), PaperInjector().step(900)], None),
    ],
)
def test_too_small_a_calibration_says_so(steps: list[CalibrationStep], reason: str | None) -> None:
    found = too_little(steps)
    assert (found is None) == (reason is None)
    assert (reason or "") in (found or "")


def test_a_target_that_fails_ends_it() -> None:
    injector = PaperInjector()
    steps = [injector.step(10), failing(injector.step(500), 0.2)]
    assert problem(steps) == "20 % of the requests of 500 users failed"
    assert next_users(steps, 28_000) is None
    assert telling_steps(steps) == [steps[0]]


def test_a_target_that_holds_users_up_ends_it_and_does_not_count() -> None:
    steps = PaperInjector(target_requests_per_s=900.0).climb()
    assert steps[-1].processor_percent < CEILING_PERCENT
    assert problem(steps) == (
        f"the target holds {steps[-1].users:,} users up: each makes "
        f"{900 / steps[-1].users:.2g} requests a second, 1 before"
    )
    assert steps[-1] not in telling_steps(steps)


def test_users_that_make_no_request_say_nothing() -> None:
    steps = [PaperInjector(pace=0.0).step(10)]
    assert problem(steps) == "no request was answered; whether any was begun is not known"
    assert telling_steps(steps) == []


def test_steps_below_the_noise_of_the_processor_count_only_if_there_is_no_other() -> None:
    injector = PaperInjector(idle_us=0, user_us=25)
    light, clear = injector.step(10), injector.step(10_000)
    assert telling_steps([light, clear]) == [clear]
    assert telling_steps([light]) == [light]
