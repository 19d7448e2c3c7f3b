"""How far apart the first requests of eight injectors are that start together after the barrier.

The injectors are processes of this computer: those that boot as a cloud's machines do and meet
their controller in a folder, and Locust's own workers. Each plays one user. By design a load's
users spread over the first second at random; here they do not, so that it is seen when each
injector's first request could come.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.arrivals import Arrivals, arrivals
from benchmarks.measure import Figure, shown
from engine.load.driver import Commands, InjectorGroup, LoadTask
from engine.load.locust import LocustDriver
from engine.load.sliced.driver import SlicedDriver
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed
from kernel.clock import SystemClock
from providers.local.objects import FolderObjects

AIM_S = 0.1
LOAD_S = 8.0
LOOK_S = 0.25
PATIENCE_S = 120.0
BARE_LEAD_S = 3.0
AT_ONCE = """
from engine.load import http_users

spread = http_users.http_users
http_users.http_users = lambda target, classes, _step_s, *more: spread(target, classes, 0.0, *more)

from engine.load import locust_users

globals().update(locust_users.found_by_locust())
"""
BARE = """
import socket, sys, time
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.sendall(b"GET / HTTP/1.1\\r\\nHost: bare\\r\\n\\r\\n")
    connection.recv(100)
    time.sleep(1)
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many injectors, and how often."""

    injectors: int = 8
    rounds: int = 5


def figures(sizes: Sizes = Sizes()) -> list[Figure]:
    """The spread over the injectors of both kinds, and over bare processes in the same minutes."""
    sliced, native, bare = [], [], []
    for _ in range(sizes.rounds):
        bare.append(_bare(sizes.injectors))
        sliced.append(_sliced(sizes.injectors))
        native.append(_native(sizes.injectors))
    bare_s = statistics.median(map(_spread, bare))
    return [
        Figure(
            f"first requests of {sizes.injectors} injectors {kind}, from the first to the last",
            shown(spread_s := statistics.median(map(_spread, found))),
            f"{shown(AIM_S)}; as many bare Python processes, {shown(bare_s)}",
            spread_s / AIM_S,
            "aim: 1",
        )
        for kind, found in {"after the barrier": sliced, "under a Locust master": native}.items()
    ]


def _spread(arrived_s: list[float]) -> float:
    return max(arrived_s) - min(arrived_s)


def _sliced(injectors: int) -> list[float]:
    """When each injector's first request arrived; they boot as a cloud's machines do."""
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as name, arrivals() as target:
        objects = FolderObjects(Path(name) / "objects")
        driver = SlicedDriver(objects)
        task = _task(Path(name), target.url, injectors)
        commands = driver.prepare(task).commands
        bundle = f"runs/{task.run_id}/bundle.tgz"
        objects.put(bundle, _without_spread(objects.get(bundle) or b""))

        def has_started() -> bool:
            driver.progress(task, SystemClock().now())
            return objects.get(f"runs/{task.run_id}/start") is not None

        with _booted(commands) as machines:
            # Once the start is given, nothing of ours is in the way when it comes.
            _until(has_started)
            return _first_requests(machines, target)


def _native(injectors: int) -> list[float]:
    """When each worker's first request arrived; a master starts them."""
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as name, arrivals() as target:
        locustfile = Path(name) / "locustfile.py"
        locustfile.write_text(AT_ONCE, encoding="utf-8")
        task = _task(Path(name), target.url, injectors)
        theirs = [
            [_with_locustfile(command, locustfile) for command in machine]
            for machine in LocustDriver().prepare(task).commands
        ]
        with _booted(theirs) as machines:
            return _first_requests(machines, target)


def _with_locustfile(command: Sequence[str], locustfile: Path) -> list[str]:
    place = list(command).index("--locustfile") + 1
    return [*command[:place], str(locustfile), *command[place + 1 :]]


def _task(folder: Path, target: str, injectors: int) -> LoadTask:
    """One user each, which comes back twice a second."""
    visiting = UserClass("visiting", think_time_s=(0.5, 0.5), requests=(Request("/"),))
    scenario = Scenario(
        "visits",
        Protocol.HTTP,
        closed([(0, injectors), (LOAD_S, injectors)]),
        target=target,
        user_classes=(visiting,),
    )
    return LoadTask("bench", scenario, (InjectorGroup(injectors, injectors),), folder / "bench")


def _without_spread(bundle: bytes) -> bytes:
    """The same work, but users begin at once."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(bundle))) as before,
        tarfile.open(fileobj=packed, mode="w") as after,
    ):
        for entry in before.getmembers():
            stream = before.extractfile(entry)
            assert stream is not None, "a bundle has files only"
            content = stream.read()
            if entry.name == "work.json":
                content = json.dumps(json.loads(content) | {"step_s": 0.0}).encode()
                entry.size = len(content)
            after.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue())


@contextmanager
def _booted(commands: Commands) -> Iterator[list[list[psutil.Process]]]:
    """Every machine's processes; they are ended with what they started."""
    machines = []
    for number, machine in enumerate(commands):
        environment = {
            "LOADMUSTER_MACHINE": f"i-{number}",
            "LOADMUSTER_PYTHON": sys.executable,
            "LOADMUSTER_CORES": "1",
        }
        machines.append([_started(command, environment) for command in machine])
    try:
        yield machines
    finally:
        for process in [process for machine in machines for process in machine]:
            process.terminate()
        for process in [process for machine in machines for process in machine]:
            process.wait()


def _started(command: Sequence[str], environment: Mapping[str, str]) -> psutil.Process:
    return psutil.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _first_requests(machines: list[list[psutil.Process]], target: Arrivals) -> list[float]:
    """When each machine's first request arrived, in seconds since 1970."""
    _until(lambda: len(target.first_s) >= len(machines))
    return [_first_of(machine, target) for machine in machines]


def _first_of(machine: list[psutil.Process], target: Arrivals) -> float:
    """Of all connections of its processes and their children."""
    family = [one for process in machine for one in [process, *process.children(recursive=True)]]
    ports = [
        connection.laddr.port
        for process in family
        for connection in process.net_connections(kind="tcp")
        if connection.laddr
    ]
    return min(target.first_s[port] for port in ports if port in target.first_s)


def _bare(processes: int) -> list[float]:
    """When the first requests arrived of processes that do nothing but start together."""
    with arrivals() as target:
        at_s = time.time() + BARE_LEAD_S
        port = target.url.rpartition(":")[2]
        started = [
            subprocess.Popen([sys.executable, "-c", BARE, port, str(at_s)])
            for _ in range(processes)
        ]
        for process in started:
            process.wait()
        return list(target.first_s.values())


def _until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the injectors did not begin")
        time.sleep(LOOK_S)
