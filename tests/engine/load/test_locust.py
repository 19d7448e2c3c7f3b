"""Real loads: a master and two workers of Locust, started as a provider would start them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.load import folder
from engine.load.driver import InjectorGroup, LoadPhase, LoadProgress, LoadResult, LoadTask
from engine.load.locust import LocustDriver
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from kernel.clock import SystemClock
from tests.patience import PATIENCE_S, until

DRIVER = LocustDriver()
CLOCK = SystemClock()
ORDER = json.dumps({"product_id": 3})
MASTER, FIRST, SECOND = 0, 1, 2


@dataclass
class Load:
    """A prepared load and its processes: master, first worker, second worker."""

    task: LoadTask
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, cwd: Path) -> None:
        for commands in DRIVER.prepare(self.task).commands:
            self.processes += [
                subprocess.Popen(
                    command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
                )
                for command in commands
            ]

    def until(self, happened: Callable[[LoadProgress], bool]) -> LoadProgress:
        def look() -> LoadProgress | None:
            progress = DRIVER.progress(self.task, CLOCK.now())
            if happened(progress):
                return progress
            assert progress.phase not in {LoadPhase.DONE, LoadPhase.FAILED}, progress
            return None

        seen = until(look)
        assert seen is not None
        return seen

    def until_played(self, elapsed_s: float) -> LoadProgress:
        return self.until(lambda progress: progress.elapsed_s >= elapsed_s)

    def until_ended(self) -> tuple[LoadProgress, LoadResult | None]:
        for process in self.processes:
            process.wait(timeout=PATIENCE_S)
        return DRIVER.progress(self.task, CLOCK.now()), DRIVER.result(self.task)

    def lines(self) -> list[folder.Document]:
        written = (self.task.folder / folder.PROGRESS).read_text(encoding="utf-8")
        return [json.loads(line) for line in written.splitlines()]

    def clear(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(timeout=PATIENCE_S)


Play = Callable[..., Load]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Starts loads on two injectors, and leaves no process behind.

    The folder that they are started in is a trap: its modules have the names of those they need.
    """
    loads: list[Load] = []
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("engine", "kernel", "locust", "gevent"):
        (trap / f"{name}.py").write_text("raise SystemExit('the wrong module was imported')")

    def start(scenario: Scenario, time_scale: float = 1.0) -> Load:
        load = Load(LoadTask("r1", scenario, (InjectorGroup(2, 8),), tmp_path / "r1", time_scale))
        loads.append(load)
        load.start(trap)
        return load

    yield start
    for load in loads:
        load.clear()


def shopping(target: str, *points: tuple[float, float]) -> Scenario:
    browsing = UserClass(
        "browsing",
        weight=3,
        think_time_s=(0.1, 0.3),
        requests=(Request("/", weight=2), Request("/products/7", name="product")),
    )
    buying = UserClass(
        "buying",
        think_time_s=(0.2, 0.2),
        requests=(Request("/cart", "POST", body=ORDER), Request("checkout", "POST")),
    )
    return Scenario(
        "shop", Protocol.HTTP, closed(points), target=target, user_classes=(browsing, buying)
    )


def within_curve(curve: Curve, line: folder.Document, time_scale: float, lag_s: float) -> bool:
    """Users are what was planned at some instant from ``lag_s`` before to 1 s after, real time."""
    from_s, until_s = line["elapsed_s"] - lag_s * time_scale, line["elapsed_s"] + time_scale
    corners = [point.level for point in curve.points if from_s <= point.at_s <= until_s]
    levels = [curve.level_at(from_s), curve.level_at(until_s), *corners]
    users: int = line["users"]
    return min(levels) <= users <= max(levels)


@pytest.mark.early
def test_users_follow_the_curve_and_both_injectors_take_part(shop: str, play: Play) -> None:
    corners = [(0, 0), (20, 16), (50, 16), (60, 4)]
    began_s = time.monotonic()
    load = play(shopping(shop, *corners), time_scale=5)
    load.until_played(1)
    # As long as it took to start, on a machine where that takes long.
    lag_s = max(2.5, time.monotonic() - began_s)

    progress, result = load.until_ended()

    assert [process.returncode for process in load.processes] == [0, 0, 0]
    assert progress.phase is LoadPhase.DONE
    assert progress.elapsed_s == 60
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.completed
    assert result.peak_users == 16
    assert 12 <= result.load_s < 11.5 + lag_s
    assert result.failures == 0
    assert result.requests == progress.requests == sum(each.requests for each in result.injectors)
    assert [each.slot for each in result.injectors] == [0, 1]
    assert all(each.requests > 0 and not each.lost for each in result.injectors)
    assert result.p50_ms is not None
    assert 1 <= result.p50_ms <= (result.p95_ms or 0) <= (result.p99_ms or 0)

    flowing = [line for line in load.lines() if line["phase"] == "flowing"]
    assert len(flowing) >= 8
    curve = closed(corners).users
    assert all(within_curve(curve, line, 5, lag_s) for line in flowing), flowing
    assert max(line["workers"].get("running", 0) for line in flowing) == 2


def test_users_who_arrive_make_a_request_in_each_iteration(shop: str, play: Play) -> None:
    hurried = UserClass("hurried", think_time_s=(5, 5), requests=(Request("/"),))
    arrivals = OpenProfile(Curve((Point(0, 40), Point(5, 40))), iteration_s=0.25)
    load = play(Scenario("rush", Protocol.HTTP, arrivals, target=shop, user_classes=(hurried,)))
    _, result = load.until_ended()
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.peak_users == 10
    # 200 arrive; their think time alone would have made 20 requests.
    assert 60 < result.requests <= 240
    assert result.planned_requests_per_s == pytest.approx(40, rel=0.3)


@dataclass
class Target:
    """A server that remembers what it was asked for."""

    url: str
    asked: Counter[tuple[str, str, str, str | None]]


@pytest.fixture
def target() -> Iterator[Target]:
    """Answers everything; ``/base/gone`` with a redirect to somewhere else."""
    asked: Counter[tuple[str, str, str, str | None]] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked[self.command, self.path, body, self.headers.get("Content-Type")] += 1
            self.send_response(302 if self.path == "/base/gone" else 200)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Target(f"http://127.0.0.1:{server.server_port}/base/", asked)
    server.shutdown()
    server.server_close()


def test_a_cancel_ends_it_at_once_and_keeps_what_was_measured(target: Target, play: Play) -> None:
    asks = UserClass(
        "asking",
        think_time_s=(0.05, 0.05),
        requests=(
            Request("/list?page=2", weight=8),
            Request("order", "POST", weight=2, body=ORDER),
            Request("/gone"),
        ),
    )
    load = play(
        Scenario("api", Protocol.HTTP, closed([(0, 10), (600, 10)]), "yaml", target.url, (asks,))
    )
    began_s = time.monotonic()
    load.until_played(2)
    until(lambda: len(target.asked) == len(asks.requests))

    cancelled_s = time.monotonic()
    # As long as it took to start, on a machine where that takes long.
    soon_s = max(5.0, cancelled_s - began_s)
    for process in load.processes:
        process.send_signal(signal.SIGTERM)
    progress, result = load.until_ended()

    assert time.monotonic() - cancelled_s < soon_s
    assert progress.message == "the load was ended before its time"
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert not result.completed
    assert 2 <= result.load_s < 5 + soon_s + cancelled_s - began_s
    assert result.failures == 0
    # Nothing that was answered is missing but what was on its way when the users were ended.
    served = sum(target.asked.values())
    assert served - 10 <= result.requests <= served
    assert set(target.asked) == {
        ("GET", "/base/list?page=2", "", None),
        ("POST", "/base/order", ORDER, "application/json"),
        ("GET", "/base/gone", "", None),
    }
    most_asked, _ = target.asked.most_common(1)[0]
    assert most_asked[1] == "/base/list?page=2"


@pytest.mark.early
def test_a_killed_worker_makes_the_result_invalid(shop: str, play: Play) -> None:
    load = play(shopping(shop, (0, 8), (4, 8)))
    load.until_played(1.5)
    load.processes[SECOND].kill()

    progress, result = load.until_ended()

    assert progress.phase is LoadPhase.DONE
    assert result is not None
    assert not result.valid
    # On a slow machine its users may be missing from the most that were reached, too.
    assert result.invalid_reasons[-1] == "injector 1 was lost before the load ended"
    assert [each.lost for each in result.injectors] == [False, True]
    assert result.requests > 0


def test_a_killed_master_leaves_what_it_had_measured(shop: str, play: Play) -> None:
    load = play(shopping(shop, (0, 8), (600, 8)))
    load.until(lambda progress: progress.requests > 0)
    load.processes[MASTER].kill()
    load.processes[MASTER].wait(timeout=PATIENCE_S)

    result = DRIVER.result(load.task)

    assert result is not None
    assert result.requests > 0
    assert not result.valid
    assert "the load generator died" in result.invalid_reasons[0]


def test_a_cancel_while_workers_are_missing_leaves_no_result(shop: str, play: Play) -> None:
    load = play(shopping(shop, (0, 8), (600, 8)))
    load.processes[SECOND].kill()
    load.until(lambda progress: progress.message == "1 of 2 injectors are ready")

    for process in load.processes:
        process.send_signal(signal.SIGTERM)
    progress, result = load.until_ended()

    assert progress.phase is LoadPhase.FAILED
    assert result is None


def test_a_master_port_that_was_taken_meanwhile_fails_and_says_so(
    shop: str, tmp_path: Path
) -> None:
    task = LoadTask("r1", shopping(shop, (0, 8), (60, 8)), (InjectorGroup(2, 8),), tmp_path / "r1")
    master = DRIVER.prepare(task).commands[0][0]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(master[master.index("--master-bind-port") + 1])))
        taken.listen()
        ended = subprocess.run(master, capture_output=True, timeout=PATIENCE_S, check=False)

    assert ended.returncode != 0
    progress = DRIVER.progress(task, CLOCK.now())
    assert progress.phase is LoadPhase.FAILED
    assert "Address already in use" in progress.message
    assert "\n" not in progress.message


def test_workers_that_never_come_fail_it_and_say_so(shop: str, tmp_path: Path) -> None:
    task = LoadTask("r1", shopping(shop, (0, 8), (60, 8)), (InjectorGroup(2, 8),), tmp_path / "r1")
    master = list(DRIVER.prepare(task).commands[0][0])
    master[master.index("--expect-workers-max-wait") + 1] = "1"
    subprocess.run(master, capture_output=True, timeout=PATIENCE_S, check=False)

    progress = DRIVER.progress(task, CLOCK.now())
    assert progress.phase is LoadPhase.FAILED
    assert progress.message == "Gave up waiting for workers to connect"
    assert DRIVER.result(task) is None
