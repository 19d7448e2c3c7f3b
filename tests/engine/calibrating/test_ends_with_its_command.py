"""A calibration that is ended, in whatever way, leaves no load, no process and no folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.calibrating.keeper import PROGRAM
from tests.kills.calibrations import (
    CLOSED_TERMINAL,
    Ground,
    counting_target,
    end_calibration,
)
from tests.patience import until


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with counting_target() as target:
        yield Ground(tmp_path, target)


@pytest.mark.promise("calibrate-leaves-nothing", command="calibrate", provider="local")
@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "SIGKILL", CLOSED_TERMINAL])
def test_nothing_is_left_of_a_calibration_that_is_ended_under_load(
    ground: Ground, way: str
) -> None:
    assert end_calibration(ground, way, lambda: until(ground.is_loading)) == []


@pytest.mark.promise("calibrate-leaves-nothing", command="calibrate", provider="local")
def test_nothing_is_left_of_a_calibration_that_is_killed_while_it_gets_ready(
    ground: Ground,
) -> None:
    ground.temporary.mkdir()
    assert end_calibration(ground, "SIGKILL", lambda: until(ground.is_preparing)) == []


def test_nothing_is_left_of_a_calibration_that_is_killed_before_its_load_starts(
    ground: Ground,
) -> None:
    ground.temporary.mkdir()
    assert end_calibration(ground, "SIGKILL", lambda: until(ground.is_waiting)) == []


def test_load_ends_with_the_keeper_even_if_that_is_killed(ground: Ground) -> None:
    process = ground.begin()
    until(ground.is_loading)
    (keeper,) = [each for each in ground.processes() if PROGRAM in each.cmdline()]
    keeper.kill()
    process.wait()
    assert ground.what_is_left() == []
