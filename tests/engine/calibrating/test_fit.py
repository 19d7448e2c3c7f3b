"""The line through the steps, and what it says of more users."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calibrating.calibration import (
    Calibration,
    CalibrationFailedError,
    calibration_from_json,
    calibration_to_json,
    check_measured,
)
from engine.calibrating.fit import fit_processor, memory_kib_per_user, users_measured_at
from tests.engine.calibrating.injectors import PaperInjector

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


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
    with pytest.raises(CalibrationFailedError, match="nothing could be measured: no request"):
        check_measured([PaperInjector(pace=0.0).step(10)], "no request was made by 10 users")
