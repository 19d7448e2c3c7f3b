"""The line through the steps, and what it says of more users."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.calibrating.calibration import (
    Calibration,
    CalibrationFailedError,
    CalibrationNotValidError,
    calibration_from_json,
    calibration_to_json,
    check_measured,
)
from engine.calibrating.fit import fit_processor, memory_kib_per_user, users_measured_at
from engine.calibrating.step import CalibrationStep
from tests.engine.calibrating.injectors import PaperInjector, failing

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
STEP = PaperInjector(pace=0.0).step(10)


def calibration_of(injector: PaperInjector) -> Calibration:
    return Calibration("checkout", AT, "locust 2.47.0", "a processor", tuple(injector.climb()))


@given(st.floats(0, 50_000), st.floats(20, 5_000))
def test_a_straight_line_is_found_again(idle_us: float, user_us: float) -> None:
    injector = PaperInjector(idle_us=idle_us, user_us=user_us)
    line = fit_processor([injector.step(users) for users in (10, 50, 90)])
    assert line.user_us_per_s == pytest.approx(user_us, rel=0.02, abs=0.5)
    assert line.r_squared > 0.999
    assert line.error_percent < 1


def test_an_engine_never_runs_on_less_than_nothing() -> None:
    steps = [PaperInjector(idle_us=-9_000, user_us=300).step(users) for users in (100, 400)]
    line = fit_processor(steps)
    assert line.idle_us_per_s == 0
    assert 210 < line.user_us_per_s < 300


def test_a_single_step_gives_a_line_through_the_origin() -> None:
    line = fit_processor([PaperInjector(idle_us=0, user_us=1_000).step(10)])
    assert (line.idle_us_per_s, line.users_at(700_000)) == (0, 700)


def test_memory_of_a_user_is_what_more_users_add() -> None:
    injector = PaperInjector()
    assert memory_kib_per_user([injector.step(10), injector.step(1_000)]) == 40


@pytest.mark.parametrize("users", [(1, 900), (2, 900), (10, 120), (10, 900, 2_000)])
def test_what_the_load_engine_holds_without_users_is_no_users(users: tuple[int, ...]) -> None:
    steps = tuple(PaperInjector().step(each) for each in users)
    made = Calibration("checkout", AT, "locust 2.47.0", "a processor", steps)
    assert made.too_little is None
    assert made.memory_kib_per_user == 40


def test_a_line_through_one_or_two_points_says_nothing_of_how_well_it_holds() -> None:
    for users, is_known in (((10, 900), False), ((400, 900), False), ((400, 900, 1_500), True)):
        steps = tuple(PaperInjector().step(each) for each in users)
        written = calibration_to_json(Calibration("c", AT, "locust", "a processor", steps))
        assert (written["r_squared"] is not None) is is_known
        assert (written["error_percent"] is not None) is is_known
        assert bool(written["unknown"]) is not is_known


def test_of_too_small_a_calibration_only_what_was_measured_is_told() -> None:
    made = Calibration("c", AT, "locust", "a processor", (PaperInjector().step(2),))
    written = calibration_to_json(made)
    for name in ("processor_us_per_request", "memory_kib_per_user", "users_at_ceiling"):
        assert written[name] is None
        assert {"field": name, "reason": made.too_little} in written["unknown"]
    assert written["steps"][0]["users"] == 2
    assert calibration_from_json(written) == made


def test_users_at_the_ceiling_lie_between_the_steps_around_it() -> None:
    injector = PaperInjector(idle_us=0, user_us=1_000)
    steps = [injector.step(600), injector.step(800)]
    assert users_measured_at(steps, 700_000) == 700
    assert users_measured_at(steps, 900_000) is None


def test_few_users_foretell_the_ceiling_and_are_held_against_it() -> None:
    found = calibration_of(PaperInjector(user_us=250.0)).foretold
    assert found is not None
    assert found.error_percent < 1
    # An engine that gets cheaper by the user is foretold too low.
    bent = calibration_of(PaperInjector(noise=(1.0, 1.0, 1.0, 1.0, 0.9, 0.8))).foretold
    assert bent is not None
    assert bent.error_percent > 5


def test_a_request_is_counted_at_the_ceiling_with_its_part_of_the_engines_idling() -> None:
    made = calibration_of(PaperInjector(idle_us=10_000, user_us=230.0, pace=0.5))
    assert made.users_at_ceiling == 3_000
    assert made.requests_per_million_s == 500_000
    # 700,000 us among 1,500 requests.
    assert made.processor_us_per_request == pytest.approx(467, abs=1)


@given(
    st.builds(
        PaperInjector,
        user_us=st.floats(20, 50_000),
        noise=st.lists(st.floats(0.9, 1.1), min_size=1),
    )
)
def test_a_calibration_survives_being_written_down(injector: PaperInjector) -> None:
    made = calibration_of(injector)
    assert calibration_from_json(calibration_to_json(made)) == made


def test_nothing_measured_is_no_calibration() -> None:
    with pytest.raises(CalibrationFailedError, match="nothing could be measured: with 10 users"):
        check_measured([], "with 10 users the load engine broke down")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (replace(STEP, begun=10, longest_wait_s=7.1), "no request was answered: 10 were begun, "),
        (replace(STEP, begun=0), "no request was made"),
        (STEP, "no request was answered; whether any was begun is not known"),
        (failing(PaperInjector().step(10), 1.0), "100 % of the requests of 10 users failed"),
        (failing(PaperInjector().step(10), 0.1), "10 % of the requests of 10 users failed"),
    ],
)
def test_a_target_that_does_not_answer_ends_as_a_run_that_is_not_valid(
    step: CalibrationStep, said: str
) -> None:
    with pytest.raises(CalibrationNotValidError, match="nothing could be measured: ") as ended:
        check_measured([step], "")
    assert said in ended.value.message
    assert ended.value.exit_code == 7
