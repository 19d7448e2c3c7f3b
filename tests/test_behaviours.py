"""How behaviours are measured: the target, the line through two steps, and one of them for real."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path

import pytest

from benchmarks.behaviours import BEHAVIOURS
from benchmarks.measured_behaviours import (
    certificate,
    in_words,
    measured,
    more_users,
    scenario_of,
    targets,
    us_per_request,
)
from benchmarks.quick_target import quick_target
from engine.calibrating.step import CalibrationStep

IDLE_US, REQUEST_US = 20_000, 400


def step(users: int, requests_per_s: float, idle_us: int = IDLE_US) -> CalibrationStep:
    taken_us = round(idle_us + requests_per_s * REQUEST_US)
    return CalibrationStep(users, taken_us, 50_000, requests_per_s, 0.0, 0)


def test_a_request_has_its_part_of_the_idling_where_requests_fill_the_core() -> None:
    # 680,000 us of a second are left for requests of 400 us: 1,700 of them.
    assert us_per_request(step(100, 100), step(400, 400)) == round(700_000 / 1_700)
    assert us_per_request(step(100, 100, 0), step(400, 400, 0)) == REQUEST_US


def test_a_slow_target_says_nothing_of_a_request() -> None:
    held_up = us_per_request(step(100, 100), step(400, 250))
    assert held_up == us_per_request(step(100, 100), step(400, 400))
    assert us_per_request(step(100, 100), step(400, 100)) == IDLE_US // 100 + REQUEST_US


def test_the_larger_number_is_two_to_eight_times_the_smaller() -> None:
    assert more_users(step(100, 100)) == 800
    assert more_users(step(1_000, 1_000)) == 2_000


def test_the_target_answers_over_tls_and_ends_connections_where_it_is_asked_to(
    tmp_path: Path,
) -> None:
    whole, ca_pem = certificate(tmp_path)
    with quick_target(whole) as url:
        assert url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(ca_pem))
        with urllib.request.urlopen(f"{url}/close/2000", context=trusted) as answer:  # noqa: S310 - our own
            assert answer.headers["Connection"] == "close"
            assert len(answer.read()) == 2_000


def test_every_behaviour_is_a_scenario(tmp_path: Path) -> None:
    names = {(each.name, each.engine) for each in BEHAVIOURS}
    assert len(names) == len(BEHAVIOURS)
    for number, behaviour in enumerate(BEHAVIOURS):
        folder = tmp_path / str(number)
        folder.mkdir()
        scenario = scenario_of(behaviour, folder)
        assert scenario.profile.peak_users == 1_000
        assert (scenario.target or "").startswith("https:") == behaviour.tls


@pytest.mark.long
def test_one_is_measured_for_real(tmp_path: Path) -> None:
    with targets(tmp_path / "no-jmeter") as where:
        made = measured(BEHAVIOURS[0], where)
    assert 50 < made.processor_us_per_request < 2_000
    assert made.steps[1][0] > made.steps[0][0]
    assert in_words(made).startswith("pages of 2 kB, a pause of 1 s, FastHttpUser: ")
