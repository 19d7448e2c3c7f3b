"""What is foretold lies in its range, and a target that slows down does not lower the pace."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from engine.calibrating.calibration import Calibration
from engine.calibrating.prediction import line_off_percent, repeats_off_percent
from tests.engine.calibrating.injectors import PaperInjector

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CLIMBS = 400
CEILING_US = 700_000


def calibration_of(injector: PaperInjector) -> Calibration:
    return Calibration("checkout", AT, "locust 2.47.0", "a processor", tuple(injector.climb()))


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_nine_further_measurements_in_ten_lie_in_the_range(noise: float) -> None:
    seeded = random.Random(20261130)
    inside = 0
    for _ in range(CLIMBS):
        user_us = seeded.uniform(100, 5_000)
        injector = PaperInjector(
            user_us=user_us, noise=[max(0.5, seeded.gauss(1, noise)) for _ in range(20)]
        )
        made = calibration_of(injector)
        users = made.users_at_ceiling
        truth = (injector.idle_us + users * user_us) * max(0.5, seeded.gauss(1, noise))
        foretold = made.line.processor_us_at(users)
        inside += abs(truth / foretold - 1) * 100 <= made.range_percent
    assert inside >= 0.87 * CLIMBS, inside


@pytest.mark.parametrize("held_up_from", [500, 1_000, 1_500, 2_000])
def test_a_target_that_is_already_slowing_lowers_neither_pace_nor_price(held_up_from: int) -> None:
    slowing = calibration_of(PaperInjector(held_up_from=held_up_from))
    free = calibration_of(PaperInjector())
    assert slowing.requests_per_million_s == pytest.approx(free.requests_per_million_s, rel=0.05)
    assert slowing.users_at_ceiling == pytest.approx(free.users_at_ceiling, rel=0.05)
    assert slowing.processor_us_per_request == pytest.approx(
        free.processor_us_per_request, rel=0.05
    )


def test_two_points_say_nothing_and_neither_do_two_values() -> None:
    steps = PaperInjector().climb()[-2:]
    line = calibration_of(PaperInjector()).line
    assert line_off_percent(line, steps, 100) is None
    assert line_off_percent(line, [steps[0]] * 3, 100) is None
    assert repeats_off_percent([200, 210]) is None
    # 2.920 times 10 us and the root of four thirds, of 200 us.
    assert repeats_off_percent([190, 200, 210]) == pytest.approx(16.86, abs=0.01)
