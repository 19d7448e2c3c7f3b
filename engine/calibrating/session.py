"""Session: one calibration, from the scenario to what is kept of it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from msgspec.structs import replace

from engine.calibrating.calibration import Calibration, CalibrationFailedError, check_measured
from engine.calibrating.injector import Timing, play, prepared
from engine.calibrating.step import CalibrationStep
from engine.calibrating.steps import next_users, problem
from engine.load.checks import check_engine, check_runnable
from engine.load.driver import UnrunnableScenarioError
from engine.load.sliced.program_work import program_files
from engine.load.sliced.work import locust_files
from engine.load_engines import LOAD_ENGINES, LOCUST
from engine.readers.program.bundle import pack
from engine.readers.program.locustfile_check import check_locustfile
from engine.scenario.profile import closed
from kernel.words import counted

if TYPE_CHECKING:
    from engine.scenario import Scenario

USERS_MAX = 28_000
"""The sockets of one address."""

SETTLE_S_MIN, SETTLE_S_MAX = 3.0, 15.0
WINDOW_S_MIN, WINDOW_S_MAX = 8.0, 40.0
PAUSES_PER_WINDOW = 4

Watch = Callable[[CalibrationStep | None, int | None], None]
"""Told the step that was made, and how many users come next."""


def ignore(*_: object) -> None:
    """Nobody watches."""


def calibrate(
    scenario: Scenario,
    *,
    at: datetime,
    users_max: int = USERS_MAX,
    timing: Timing | None = None,
    watch: Watch = ignore,
) -> Calibration:
    """Measure the test's users on one processor core of this machine, up to the ceiling.

    Real requests go to the scenario's target; more and more of them, for one to three minutes.

    Args:
        scenario: With a target, and with users or a program.
        at: When it is measured.
        users_max: At most so many users.
        timing: Of each step; None: by the users' pauses.
        watch: Told how it goes.

    Raises:
        UnrunnableScenarioError: The scenario cannot be run, or not with other numbers of users.
        LoadEngineMissingError: The load engine is not on this machine.
        UnplayableLocustfileError: As ``check_locustfile``.
        CalibrationFailedError: Nothing could be measured.
    """
    check_runnable(scenario)
    check_engine(scenario, on_this_computer=True)
    check_locustfile(scenario.program, os.environ)
    check_users_can_be_held(scenario)
    timing = timing or timing_of(scenario)
    steps: list[CalibrationStep] = []
    note = ""
    with prepared(load_files(scenario, 1, timing)) as ready:
        while (users := next_users(steps, users_max)) is not None:
            watch(steps[-1] if steps else None, users)
            try:
                steps.append(play(ready, load_files(scenario, users, timing), users, timing))
            except CalibrationFailedError as error:
                note = f"with {counted(users, 'user')} {error.message}"
                break
    note = note or (problem(steps) or "" if steps else "")
    check_measured(steps, note)
    watch(steps[-1], None)
    return Calibration(
        test=scenario.name,
        at=at,
        engine=load_engine_of(scenario),
        machine=processor_name(),
        steps=tuple(steps),
        note=note,
    )


def check_users_can_be_held(scenario: Scenario) -> None:
    """Refuse a test whose numbers of users are not ours to say.

    Raises:
        UnrunnableScenarioError: With what to leave out.
    """
    if scenario.program is not None and scenario.program.own_profile:
        raise UnrunnableScenarioError(
            "load_engine: a script with a load of its own (own_stages, or a shape) cannot be held "
            "at a number of users; leave it out to calibrate"
        )


def timing_of(scenario: Scenario) -> Timing:
    """Long enough for every user to pause a few times."""
    pauses = [sum(each.think_time_s) / 2 for each in scenario.user_classes]
    longest_s = max(pauses, default=1.0)
    return Timing(
        settle_s=min(max(SETTLE_S_MIN, longest_s + 2), SETTLE_S_MAX),
        window_s=min(max(WINDOW_S_MIN, PAUSES_PER_WINDOW * longest_s), WINDOW_S_MAX),
    )


def load_files(scenario: Scenario, users: int, timing: Timing) -> Mapping[str, bytes]:
    """What an injector fetches to hold so many users of a scenario for a step."""
    flat = replace(scenario, profile=closed([(0, users), (timing.load_s, users)]))
    program = scenario.program
    if program is None:
        return locust_files(flat, 1.0, importlib.metadata.version("locust"))
    if program.kind == LOCUST.name:
        return locust_files(flat, 1.0, importlib.metadata.version("locust"), pack(program))
    return program_files(flat, program, 1.0, pack(program))


def load_engine_of(scenario: Scenario) -> str:
    """The load engine and its version, as people call it."""
    program = scenario.program
    if program is None or program.kind == LOCUST.name:
        return f"{LOCUST.name} {importlib.metadata.version('locust')}"
    if LOAD_ENGINES[program.kind].main_in is not None:
        return f"{program.kind}: {program.main}"
    return f"{program.kind} {program.version or ''}".strip()


def processor_name() -> str:
    """What the operating system calls it."""
    cores = counted(psutil.cpu_count() or 1, "core")
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()}, {cores}"
    return f"{platform.machine()}, {cores}"
