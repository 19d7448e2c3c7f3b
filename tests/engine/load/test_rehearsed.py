"""A rehearsed load follows the clock and puts nothing on anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.load.driver import InjectorGroup, LoadPhase, LoadTask, MachineWork
from engine.load.rehearsed import RehearsedLoad
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import Curve, OpenProfile, Point, closed

UP = datetime(2027, 1, 25, 10, 15, tzinfo=UTC)
LOAD = RehearsedLoad()


def rehearsed(folder: Path, started_at: datetime | None, time_scale: float = 1.0) -> LoadTask:
    scenario = Scenario("shop", Protocol.HTTP, closed([(0, 0), (60, 120), (120, 0)]))
    return LoadTask("r1", scenario, (InjectorGroup(3, 10),), folder, time_scale, started_at)


def test_it_waits_until_all_machines_are_up(tmp_path: Path) -> None:
    assert LOAD.progress(rehearsed(tmp_path, None), UP).phase is LoadPhase.WAITING


@pytest.mark.parametrize(
    ("after_s", "phase", "users"),
    [
        (0, LoadPhase.FLOWING, 1),
        (30, LoadPhase.FLOWING, 61),
        (119, LoadPhase.FLOWING, 1),
        (120, LoadPhase.DONE, 0),
        (9999, LoadPhase.DONE, 0),
    ],
)
def test_it_flows_along_the_plan_and_ends_with_it(
    tmp_path: Path, after_s: int, phase: LoadPhase, users: int
) -> None:
    progress = LOAD.progress(rehearsed(tmp_path, UP), UP + timedelta(seconds=after_s))
    assert (progress.phase, progress.users) == (phase, users)
    assert progress.elapsed_s == min(after_s, 120)


def test_time_can_be_played_faster(tmp_path: Path) -> None:
    task = rehearsed(tmp_path, UP, time_scale=60)
    assert LOAD.progress(task, UP + timedelta(seconds=1)).elapsed_s == 60
    assert LOAD.progress(task, UP + timedelta(seconds=2)).phase is LoadPhase.DONE


def test_arrivals_of_unknown_length_can_be_rehearsed(tmp_path: Path) -> None:
    arrivals = OpenProfile(Curve((Point(0, 10), Point(60, 10))))
    task = LoadTask(
        "r1", Scenario("api", Protocol.HTTP, arrivals), (InjectorGroup(1, 10),), tmp_path, 1.0, UP
    )
    assert LOAD.progress(task, UP).users == 0
    assert LOAD.progress(task, UP + timedelta(seconds=60)).phase is LoadPhase.DONE


def test_it_starts_nothing_writes_nothing_and_measures_nothing(tmp_path: Path) -> None:
    task = rehearsed(tmp_path, UP)
    assert LOAD.prepare(task) == MachineWork()
    assert LOAD.result(task) is None
    assert LOAD.progress(task, UP + timedelta(seconds=60)).requests == 0
    assert list(tmp_path.iterdir()) == []
