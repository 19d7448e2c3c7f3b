"""Injectors that share nothing: the very script, in processes, against a real shop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from engine.load.driver import InjectorGroup, LoadPhase, LoadTask
from engine.load.sliced import barrier
from engine.load.sliced.driver import SlicedDriver
from engine.load.sliced.reports import Report, merged
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from providers.local.objects import FolderObjects
from tests.engine.load.injectors import CLOCK, Injectors
from tests.patience import PATIENCE_S

GROUPS = (InjectorGroup(2, 20), InjectorGroup(1, 20))


def browsing(target: str, *points: tuple[float, float]) -> Scenario:
    user_class = UserClass("browsing", think_time_s=(0.1, 0.2), requests=(Request("/"),))
    return Scenario(
        "shop", Protocol.HTTP, closed(points), target=target, user_classes=(user_class,)
    )


Prepare = Callable[..., Injectors]


@pytest.fixture
def injectors(tmp_path: Path) -> Iterator[Prepare]:
    made: list[Injectors] = []

    def prepare(scenario: Scenario, cores: int = 1) -> Injectors:
        lifetime_s = scenario.profile.duration_s + PATIENCE_S
        task = LoadTask("r1", scenario, GROUPS, tmp_path / "r1", lifetime_s=lifetime_s)
        driver = SlicedDriver(FolderObjects(tmp_path / "objects"), grace_s=30.0)
        made.append(Injectors(driver, task, cores))
        return made[-1]

    yield prepare
    for each in made:
        each.end()


@pytest.mark.early
def test_injectors_start_together_and_play_the_whole_plan(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 0), (4, 40), (8, 40)))
    load.boot()
    assert load.until(lambda now: "3 of 3" in now.message).phase is LoadPhase.WAITING
    flowing = load.until(lambda now: now.phase is LoadPhase.FLOWING and now.users > 0)
    assert 0 < flowing.elapsed_s < 8
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.completed
    assert result.peak_users == 40
    assert result.failures == 0
    assert [injector.lost for injector in result.injectors] == [False] * 3
    assert sum(injector.requests for injector in result.injectors) == result.requests > 100


def test_users_who_arrive_make_a_request_in_each_iteration(shop: str, injectors: Prepare) -> None:
    hurried = UserClass("hurried", think_time_s=(5, 5), requests=(Request("/"),))
    arrivals = OpenProfile(Curve((Point(0, 80), Point(4, 80))), iteration_s=0.25)
    load = injectors(
        Scenario("rush", Protocol.HTTP, arrivals, target=shop, user_classes=(hurried,))
    )
    load.boot()
    _, result = load.until_over()
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert 160 < result.requests <= 350


@pytest.mark.long
def test_an_injector_uses_all_its_processors(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 12), (4, 12)), cores=2)
    load.boot()
    _, result = load.until_over()
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.peak_users == 12
    names = FolderObjects(load.task.folder.parent / "objects").keys("runs/r1/in/report-")
    assert len(names) == 6


@pytest.mark.long
def test_an_injector_that_is_killed_makes_the_result_invalid(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 30), (6, 30)))
    load.boot()
    load.until(lambda now: now.users > 0)
    for process in psutil.Process(load.processes[0].pid).children(recursive=True):
        process.kill()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE
    assert result is not None
    assert not result.valid
    assert "injector 0 was lost before the load ended" in result.invalid_reasons


@pytest.mark.long
def test_an_injector_that_its_cloud_takes_away_makes_the_result_invalid(
    shop: str, injectors: Prepare
) -> None:
    load = injectors(browsing(shop, (0, 30), (6, 30)))
    load.boot()
    load.until(lambda now: now.users > 0)
    load.processes[0].terminate()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE
    assert result is not None
    assert not result.valid
    assert "injector 0 was lost before the load ended" in result.invalid_reasons
    assert [injector.lost for injector in result.injectors] == [True, False, False]


def test_an_injector_that_was_taken_away_long_before_a_cancel_is_lost() -> None:
    def report(machine: str, load_s: float) -> Report:
        return Report(machine, 0, 1, "cancelled", 0.0, load_s, (), 9, 0, 1.0, ((5, 9),), 10.0)

    machines = ["i-0", "i-1"]
    together = merged(machines, [report("i-0", 28.0), report("i-1", 30.0)], "")
    apart = merged(machines, [report("i-0", 12.0), report("i-1", 30.0)], "")

    assert [each["lost"] for each in together["injectors"]] == [False, False]
    assert [each["lost"] for each in apart["injectors"]] == [True, False]


def test_what_was_measured_until_a_cancel_is_the_result(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 30), (600, 30)))
    load.boot()
    load.until(lambda now: now.requests > 0)
    load.end()
    result = load.driver.result(load.task)
    assert result is not None
    assert not result.completed
    assert result.requests > 0
    assert [injector.lost for injector in result.injectors] == [False] * 3


def test_an_injector_that_cannot_get_ready_says_why_and_the_load_fails(
    shop: str, injectors: Prepare, tmp_path: Path
) -> None:
    load = injectors(browsing(shop, (0, 3), (5, 3)))
    load.driver.prepare(load.task)
    FolderObjects(tmp_path / "objects").put("runs/r1/bundle.tgz", b"no archive")
    load.boot()
    progress = load.until(lambda now: now.phase is LoadPhase.FAILED)
    assert "the work cannot be unpacked" in progress.message
    assert load.driver.result(load.task) is None


def test_an_injector_that_comes_late_plays_nothing(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 3), (5, 3)))
    store = load.driver.objects
    start = barrier.Start(time.time(), (barrier.Seat("another", 0, barrier.WHOLE),))
    load.driver.prepare(load.task)
    store.put("runs/r1/start", start.text().encode())
    load.boot(machines=1)
    assert load.processes[0].wait(timeout=PATIENCE_S) == 0
    assert store.keys("runs/r1/in/report-") == ()


def test_a_load_that_is_late_starts_with_those_that_are_there_if_they_will_do(
    shop: str, injectors: Prepare
) -> None:
    load = injectors(browsing(shop, (0, 12), (4, 12)))
    load.task = replace(load.task, injectors_min=2, late_at=CLOCK.now() + timedelta(hours=1))
    load.boot(machines=2)
    load.until(lambda now: "2 of 3" in now.message)
    assert load.look().phase is LoadPhase.WAITING, "not late yet"
    load.task = replace(load.task, late_at=CLOCK.now())
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.peak_users == 12
    assert result.warnings == ("2 of 3 injectors played all of the load",)


def test_whoever_prepares_again_gets_the_same_script(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 3), (5, 3)))
    assert load.driver.prepare(load.task) == load.driver.prepare(load.task)


def test_nothing_is_left_after_the_clean_up(shop: str, injectors: Prepare) -> None:
    load = injectors(browsing(shop, (0, 3), (5, 3)))
    load.driver.prepare(load.task)
    load.driver.clean_up(load.task)
    assert load.driver.objects.keys("runs/r1/") == ()
