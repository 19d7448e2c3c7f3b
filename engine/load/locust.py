"""Locust as the load generator: one master that conducts, and one worker on every machine.

The load is spread by Locust itself. Master and workers are processes of their own, started from
the commands that ``prepare`` answers; they run ``locustfile`` and meet this driver in the run's
folder. They reach each other on loopback: all machines of a run are this computer.
"""

from __future__ import annotations

import errno
import os
import socket
import zlib
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from engine.load import folder
from engine.load.driver import (
    LoadEngineMissingError,
    LoadPhase,
    LoadProgress,
    LoadResult,
    LoadTask,
    MachineWork,
    UnrunnableScenarioError,
)
from engine.load.shape import plan_users
from engine.load.tls import CA_FILE, tls_warnings
from engine.load.verdict import judge
from engine.load.windows import planned_pace
from engine.scenario import Protocol, Scenario
from engine.scenario.json import scenario_to_json
from kernel.disk import free_space
from kernel.errors import BadInputError
from kernel.extras import is_installed, not_installed
from kernel.files import write_whole
from kernel.python_programs import python_program

LOOPBACK = "127.0.0.1"
WORKERS_WAIT_S = 180
"""How long the master waits for its workers, and they for it."""

PORTS = range(20_000, 32_768)
"""One of these is its master's, and nobody's by chance: they are below what systems give away."""

_LOCUSTFILE = Path(__file__).with_name("locustfile.py").resolve()


class LocustDriver(Struct, frozen=True):
    """Runs scenarios that speak HTTP with Locust."""

    def prepare(self, task: LoadTask) -> MachineWork:
        """Write the order for master and workers; the first machine runs the master too.

        Raises:
            UnrunnableScenarioError: The scenario says no target or no requests, asks for anything
                outside its target, or does not speak HTTP.
            LoadEngineMissingError: Locust is not installed.
        """
        check_runnable(task.scenario)
        check_installed()
        master_port = _order(task)["master_port"]
        workers = [_worker(task, slot, master_port) for slot in range(task.injectors)]
        first = [_master(task, master_port), workers[0]]
        return MachineWork(commands=[first, *([worker] for worker in workers[1:])])

    def progress(self, task: LoadTask, now: datetime) -> LoadProgress:
        """The last line that the master wrote."""
        del now
        line = folder.last_line(task.folder / folder.PROGRESS)
        if line is None:
            return LoadProgress(LoadPhase.WAITING)
        return LoadProgress(
            phase=LoadPhase(line["phase"]),
            elapsed_s=line["elapsed_s"],
            users=line["users"],
            requests=line["requests"],
            failures=line["failures"],
            requests_per_s=line["requests_per_s"],
            message=line["message"],
            peak_users=line.get("peak_users"),
        )

    def result(self, task: LoadTask) -> LoadResult | None:
        """What the master measured until it ended, or until it was killed."""
        measured = folder.read_document(task.folder / folder.RESULT)
        if measured is None:
            return None
        plan = plan_users(task.scenario.profile, task.time_scale)
        result = judge(
            measured,
            plan.peak_users,
            plan.approximation,
            pace=planned_pace(task.scenario),
            planned_s=plan.duration_s,
        )
        return replace(result, warnings=(*result.warnings, *tls_warnings(task.scenario)))

    def clean_up(self, task: LoadTask) -> None:
        """Nothing: what is in the run's folder is for people to read."""


def check_installed() -> None:
    """Look for Locust without importing it.

    Raises:
        LoadEngineMissingError: The message says what to install.
    """
    if not is_installed("locust"):
        raise LoadEngineMissingError(not_installed("the load generator", "locust"))


def check_runnable(scenario: Scenario) -> None:
    """Refuse what Locust could not run, or must not.

    Raises:
        UnrunnableScenarioError: The message names the field and what would be right.
    """
    plan_users(scenario.profile)
    if scenario.protocol is not Protocol.HTTP:
        raise UnrunnableScenarioError(
            f"protocol: {scenario.protocol.value} can be estimated but not run; http can"
        )
    check_target(scenario)
    if not scenario.user_classes:
        raise UnrunnableScenarioError(
            "user_classes: the scenario does not say what its users do; add at least one user "
            "class with a request"
        )
    _check_user_classes(scenario)


def check_target(scenario: Scenario) -> None:
    """Refuse a scenario without a base URL to load.

    Raises:
        UnrunnableScenarioError: The message says what to write.
    """
    if scenario.target is None:
        raise UnrunnableScenarioError(
            "target: the scenario does not say what to load; add a target such as "
            "http://127.0.0.1:8000"
        )
    url = urlsplit(scenario.target)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise UnrunnableScenarioError(
            f"target: {scenario.target!r} is no base URL; write it like http://127.0.0.1:8000"
        )


def _check_user_classes(scenario: Scenario) -> None:
    names = [user_class.name for user_class in scenario.user_classes]
    if len(set(names)) < len(names):
        raise UnrunnableScenarioError("user_classes: two have the same name; give each its own")
    for user_class in scenario.user_classes:
        where = f"user_classes.{user_class.name}.requests"
        if not user_class.requests:
            raise UnrunnableScenarioError(f"{where}: there is none; add at least one")
        for request in user_class.requests:
            if urlsplit(request.path).netloc or "://" in request.path.partition("?")[0]:
                raise UnrunnableScenarioError(
                    f"{where}: {request.path!r} leaves the target; write the path below it"
                )


def _order(task: LoadTask) -> folder.Document:
    """The order in the folder; written by the first call, so that every call answers the same."""
    path = task.folder / folder.ORDER
    try:
        task.folder.mkdir(parents=True, exist_ok=True)
        if (order := folder.read_document(path)) is None:
            order = {
                "run_id": task.run_id,
                "scenario": scenario_to_json(task.scenario),
                "injectors": task.injectors,
                "time_scale": task.time_scale,
                "master_port": _free_port(task.folder),
            }
            if task.scenario.tls.ca_pem is not None:
                write_whole(task.folder / CA_FILE, task.scenario.tls.ca_pem.encode())
            folder.write_document(path, order)
    except OSError as error:
        raise BadInputError(
            f"{task.folder}: the load cannot be prepared: {error.strerror}"
            f"{free_space(task.folder, error)}"
        ) from error
    return order


def _free_port(place: Path) -> int:
    """A port that is free now. Should another take it first, the master fails and says so.

    Where the search begins differs from folder to folder, so that loads which are prepared at once
    do not find the same.

    Raises:
        OSError: All of them are taken.
    """
    first = zlib.crc32(str(place.resolve()).encode()) % len(PORTS)
    with socket.socket() as probe:
        port: int
        for port in (*PORTS[first:], *PORTS[:first]):
            with suppress(OSError):
                probe.bind((LOOPBACK, port))
                return port
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _master(task: LoadTask, port: int) -> list[str]:
    return [
        *_locust(task, "master"),
        "--master",
        "--headless",
        "--only-summary",
        *("--master-bind-host", LOOPBACK),
        *("--master-bind-port", str(port)),
        *("--expect-workers", str(task.injectors)),
        *("--expect-workers-max-wait", str(WORKERS_WAIT_S)),
        # Requests that failed are a finding about the target, not a failure of this program.
        *("--exit-code-on-error", "0"),
    ]


def _worker(task: LoadTask, slot: int, port: int) -> list[str]:
    return [
        *_locust(task, f"worker-{slot}"),
        "--worker",
        *("--master-host", LOOPBACK),
        *("--master-port", str(port)),
        *("--loadmuster-slot", str(slot)),
    ]


def _locust(task: LoadTask, role: str) -> list[str]:
    """Locust, wherever it is started, with none of the settings in the caller's home."""
    place = task.folder.resolve()
    locust = python_program(
        "locust",
        *("--locustfile", str(_LOCUSTFILE)),
        *("--logfile", str(place / f"{role}.log")),
        *("--loadmuster-folder", str(place)),
    )
    return ["env", f"HOME={place}", *locust]
