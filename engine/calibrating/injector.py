"""An injector on this machine: plays one step with the agent of real injectors, and is measured.

It is one process of the load engine, as on each core of a real injector, or the scenario's program;
what ``sh load.sh`` started counts, and nothing else of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct
from msgspec.structs import replace

from engine.calibrating.calibration import CalibrationFailedError
from engine.calibrating.kept import KeptWork, kept_work
from engine.calibrating.step import US_PER_S, CalibrationStep
from engine.load.histogram import MS_PER_S
from kernel.child_environment import child_environment, proxies
from kernel.python_programs import injector_interpreter

PREPARE_S_MAX = 1_800.0
"""It may fetch and build what the load engine needs."""

READY_S_MAX = 60.0
REPORT_S_MAX = 10.0
"""A report comes every second or two."""

POLL_S = 0.1
LEAD_S = 0.5
"""From the word to go until the load starts."""


class Timing(Struct, frozen=True):
    """How long a step takes.

    Attributes:
        settle_s: From the start until all users are at their pace.
        window_s: What is measured.
    """

    settle_s: float
    window_s: float

    def measured_for(self, window_s: float) -> Timing:
        """The same with another window."""
        return replace(self, window_s=window_s)

    @property
    def load_s(self) -> float:
        """For how long the load must last."""
        return self.settle_s + self.window_s + REPORT_S_MAX


class _Look(Struct, frozen=True):
    """What was used, and done, until an instant."""

    at_s: float
    own_us: int
    all_us: int
    memory_kib: int


class Ready(Struct, frozen=True):
    """An injector that is ready to play.

    Attributes:
        work: Ends what is started for it, at the latest with this process.
        folder: In which ``prepare.sh`` has done its work.
    """

    work: KeptWork
    folder: Path


@contextmanager
def prepared(files: Mapping[str, bytes]) -> Iterator[Ready]:
    """A folder in which ``prepare.sh`` has done its work, which may take minutes, for all steps.

    Args:
        files: What an injector of some load of the test fetches.

    Raises:
        CalibrationFailedError: The load engine cannot be made ready.
    """
    with kept_work() as work:
        folder = work.folder / "prepared"
        folder.mkdir()
        _write(folder, files)
        log = work.folder / "prepare.log"
        work.start(["sh", "./prepare.sh"], folder, _environment(), log)
        if work.ended(PREPARE_S_MAX) != 0:
            said = log.read_text(errors="replace")
            raise CalibrationFailedError(f"the load engine cannot be made ready{_last_line(said)}")
        yield Ready(work, folder)


def play(ready: Ready, files: Mapping[str, bytes], users: int, timing: Timing) -> CalibrationStep:
    """Hold the users for a while, and say what they took.

    Args:
        ready: What ``prepared`` gave; it is copied.
        files: What an injector of this load fetches; its load is flat and lasts ``timing.load_s``.
        users: Active all the time.
        timing: When to measure.

    Raises:
        CalibrationFailedError: The load engine could not start, or broke down.
    """
    folder = ready.folder.with_name(f"step-{users}")
    shutil.copytree(ready.folder, folder, symlinks=True)
    try:
        _write(folder, files)
        with _agent(ready.work, folder) as process:
            _wait_for(folder / "ready", process, folder, READY_S_MAX)
            start_s = time.time() + LEAD_S
            (folder / "go.part").write_text(f"{start_s:.3f} 0-{users}-{users} 0 1\n")
            (folder / "go.part").rename(folder / "go")
            _sleep_until(start_s + timing.settle_s, process, folder)
            first, before = _look(process), _report(folder, process, None)
            _sleep_until(start_s + timing.settle_s + timing.window_s, process, folder)
            last, after = _look(process), _report(folder, process, before)
            return _step(users, (first, last), (before, after))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _environment() -> dict[str, str]:
    return {
        **child_environment(os.environ),
        **proxies(os.environ),
        "LOADMUSTER_CORES": "1",
        **injector_interpreter(),
    }


@contextmanager
def _agent(work: KeptWork, folder: Path) -> Iterator[psutil.Process]:
    """``load.sh``, and the end of all that it started."""
    pid = work.start(["sh", "./load.sh"], folder, _environment(), folder / "load.log")
    try:
        yield psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise CalibrationFailedError(f"the load engine broke down{_last_words(folder)}") from None
    finally:
        work.end()


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _look(process: psutil.Process) -> _Look:
    """Processor time of everything that the agent started, ended parts of it included."""
    own_s, memory = 0.0, 0
    for each in _tree(process):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            own_s += times.user + times.system + times.children_user + times.children_system
            memory += each.memory_info().rss
    everything = psutil.cpu_times()
    busy_s = sum(everything) - everything.idle - getattr(everything, "iowait", 0.0)
    return _Look(time.time(), round(own_s * US_PER_S), round(busy_s * US_PER_S), memory // 1_024)


def _report(
    folder: Path, process: psutil.Process, after: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The next report; where there was one before, a later one."""
    for _ in range(round(REPORT_S_MAX / POLL_S)):
        with suppress(OSError, ValueError):
            report: dict[str, Any] = json.loads((folder / "report-0.json").read_bytes())
            if after is None or report["load_s"] > after["load_s"]:
                return report
        _check_alive(process, folder)
        time.sleep(POLL_S)
    raise CalibrationFailedError(
        f"the load engine did not report within {REPORT_S_MAX:.0f} s{_last_words(folder)}"
    )


def _step(
    users: int, looks: tuple[_Look, _Look], reports: tuple[dict[str, Any], dict[str, Any]]
) -> CalibrationStep:
    (first, last), (before, after) = looks, reports
    length_s, load_s = last.at_s - first.at_s, after["load_s"] - before["load_s"]
    own_us = last.own_us - first.own_us
    return CalibrationStep(
        users=users,
        processor_us_per_s=round(own_us / length_s),
        memory_kib=max(first.memory_kib, last.memory_kib),
        requests_per_s=(after["requests"] - before["requests"]) / load_s,
        failures_per_s=(after["failures"] - before["failures"]) / load_s,
        others_us_per_s=max(0, round((last.all_us - first.all_us - own_us) / length_s)),
        **_waits(before, after),
    )


def _waits(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Where the load engine tells what it has begun; samples of ended requests do not."""
    if after.get("begun") is None:
        return {}
    return {
        "begun": max(0, after["begun"] - before["requests"]),
        "longest_wait_s": round(after["open_wait_ms"] / MS_PER_S, 3),
    }


def _sleep_until(at_s: float, process: psutil.Process, folder: Path) -> None:
    while (left_s := at_s - time.time()) > 0:
        _check_alive(process, folder)
        time.sleep(min(left_s, POLL_S))


def _wait_for(path: Path, process: psutil.Process, folder: Path, wait_s: float) -> None:
    for _ in range(round(wait_s / POLL_S)):
        if path.exists():
            return
        _check_alive(process, folder)
        time.sleep(POLL_S)
    raise CalibrationFailedError(
        f"the load engine was not up within {wait_s:.0f} s{_last_words(folder)}"
    )


def _check_alive(process: psutil.Process, folder: Path) -> None:
    if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
        raise CalibrationFailedError(f"the load engine broke down{_last_words(folder)}")


def _last_words(folder: Path) -> str:
    for name in ("load.log", "program.log"):
        with suppress(OSError):
            if words := _last_line((folder / name).read_text(errors="replace")):
                return words
    return ""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""
