"""One process of one injector: its part of the load, played by Locust.

Runs in a folder of its own, beside ``work.json`` and the modules of ``engine/load`` that need no
other, with nothing else of loadmuster. Once Locust is set up it makes the file ``waiting-PART`` and
waits for the file ``go``, which says when the load starts (seconds since 1970) and which share of
it this injector plays (``low-high-whole``). Of the injector's processes this is
``LOADMUSTER_PART`` of ``LOADMUSTER_PARTS``. About once a second the report is replaced by what was
measured so far; what takes more room is in a file of its own, which is replaced now and then, and
before the last report.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import failure_kinds
import gevent
from http_users import http_users
from locust import LoadTestShape, events, runners
from request_watch import names_of, watch
from tally import Tally

if TYPE_CHECKING:
    from locust.env import Environment

SAMPLE_S = 1.0
WORK: dict[str, Any] = json.loads(Path("work.json").read_text(encoding="utf-8"))
PART, PARTS = int(os.environ["LOADMUSTER_PART"]), int(os.environ["LOADMUSTER_PARTS"])
REPORT = Path(f"report-{PART}.json")
DETAIL = Path(f"detail-{PART}.json")
DETAIL_S = 15.0
GO = Path("go")
GO_POLL_S = 0.05
WAIT_S_MAX = 6 * 3_600
"""For the file ``go``: longer than any fleet is waited for."""

PARENT = os.getppid()
STARTER = int(os.environ.get("LOADMUSTER_STARTER", PARENT))
"""Who started ``load.sh``."""


@dataclass(frozen=True)
class Share:
    """What this process plays: from ``low`` to ``high`` of ``whole``, beginning at ``at_s``."""

    at_s: float
    low: int
    high: int
    whole: int

    def users_of(self, users: int) -> int:
        """Users of this process; over all processes they add up to ``users``."""
        return users * self.high // self.whole - users * self.low // self.whole


def read_share() -> Share:
    """This process's part of what ``go`` gives the injector."""
    at_s, share, *_ = GO.read_text(encoding="utf-8").split()
    low, high, whole = (int(each) for each in share.split("-"))
    width = high - low
    return Share(
        float(at_s), low * PARTS + width * PART, low * PARTS + width * (PART + 1), whole * PARTS
    )


STEPS_AT_S = [at_s for at_s, _ in WORK["steps"]]


def users_planned(at_s: float) -> int:
    """Users of all injectors together."""
    return int(WORK["steps"][max(0, bisect_right(STEPS_AT_S, at_s) - 1)][1])


def is_left_alone() -> bool:
    """Whether who started this load, or what started this process, has gone."""
    if os.getppid() != PARENT:
        return True
    try:
        os.kill(STARTER, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Recorder:
    """What is measured here, and how it ended."""

    def __init__(self) -> None:
        self.environment: Environment | None = None
        self.share = Share(0.0, 0, 0, 1)
        self.ended: str | None = None
        self.began_s: float | None = None
        self.load_s = 0.0
        self.users: list[list[int]] = []
        self.cpu_percent_max = 0.0
        self.tally = Tally()
        self.detailed_s = 0.0

    def begin(self, environment: Environment, **_: object) -> None:
        """Locust is set up: wait for the common start, and write down how it goes."""
        self.environment = environment
        watch(environment, self.tally, failure_kinds, self.played_s)
        gevent.signal_handler(signal.SIGTERM, self.cancel)
        Path(f"waiting-{PART}").touch()
        waited_until_s = time.monotonic() + WAIT_S_MAX
        while not GO.exists():
            if is_left_alone() or time.monotonic() > waited_until_s:
                sys.exit(1)
            gevent.sleep(GO_POLL_S)
        self.share = read_share()
        gevent.sleep(max(0.0, self.share.at_s - time.time()))
        self.began_s = time.time()
        gevent.spawn(self.follow)

    def played_s(self) -> float:
        """How far the load is, by the common clock."""
        return max(0.0, time.time() - self.share.at_s)

    def follow(self) -> None:
        """Replace the report about once a second; a load that nobody waits for ends."""
        while self.ended is None:
            if is_left_alone():
                self.cancel()
            # A disk that is full now may have room for the next.
            with suppress(OSError):
                self.write()
            gevent.sleep(SAMPLE_S)

    def end(self, ended: str) -> None:
        """The load is over; what comes later does not count."""
        if self.ended is None:
            self._measure()
            self.ended = ended
            self.tally.close()
            self.write()

    def cancel(self) -> None:
        """SIGTERM: what was measured so far is the result; it may be nothing yet."""
        if self.began_s is None and GO.exists():
            # It has its share, so it would count as lost if it said nothing.
            self.share = read_share()
            self.began_s = max(time.time(), self.share.at_s)
        if self.began_s is not None:
            self.end("cancelled")
        sys.exit(0)

    def fail(self, **_: object) -> None:
        """Locust quits; if we did not ask for it, the load failed."""
        if self.began_s is not None:
            self.end("failed")

    def note_users(self, user_count: int) -> None:
        """Users by the second of the load, whenever they change."""
        at_s = int(self.played_s())
        if self.users and self.users[-1][0] == at_s:
            self.users[-1][1] = max(self.users[-1][1], user_count)
        elif not self.users or self.users[-1][1] != user_count:
            self.users.append([at_s, user_count])

    def write(self) -> None:
        """The report as a whole, in the place of the last."""
        self._measure()
        assert self.environment is not None, "Locust is set up before it plays"
        assert self.began_s is not None, "nothing is written before the start"
        total = self.environment.stats.total
        report = {
            "part": PART,
            "parts": PARTS,
            "ended": self.ended,
            "late_s": max(0.0, self.began_s - self.share.at_s),
            "load_s": self.load_s,
            "users": self.users,
            "requests": total.num_requests,
            "failures": total.num_failures,
            "requests_per_s": total.current_rps if self.ended is None else 0.0,
            "response_times_ms": sorted(total.response_times.items()),
            "cpu_percent_max": self.cpu_percent_max,
        }
        if self.ended is not None or self.load_s >= self.detailed_s + DETAIL_S:
            self.detailed_s = self.load_s
            stats = self.environment.stats
            _replace(DETAIL, {"tally": self.tally.document(), "names": names_of(stats)})
        _replace(REPORT, report)

    def _measure(self) -> None:
        if self.ended is None and self.environment is not None:
            runner = self.environment.runner
            assert runner is not None, "Locust plays headless, with a runner"
            self.load_s = self.played_s()
            self.cpu_percent_max = max(self.cpu_percent_max, runner.current_cpu_usage)
            self.note_users(runner.user_count)


def _replace(path: Path, document: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)


RECORDER = Recorder()


class Shape(LoadTestShape):
    """Follows the plan by the common clock, and ends the load where the plan ends."""

    last: tuple[int, float] = (0, 1.0)

    def tick(self) -> tuple[int, float] | None:
        """Users wanted and how many to start a second: all that are missing, at once."""
        at_s = RECORDER.played_s()
        if at_s >= WORK["duration_s"]:
            RECORDER.end("completed")
            return None
        users = RECORDER.share.users_of(users_planned(at_s))
        if users != self.last[0]:
            self.last = (users, max(1.0, abs(users - self.last[0])))
        return self.last


def _note_spawned(user_count: int, **_: object) -> None:
    RECORDER.note_users(user_count)


runners.CPU_MONITOR_INTERVAL = WORK["cpu_window_s"]
listeners: Any = events
listeners.init.add_listener(RECORDER.begin)
listeners.spawning_complete.add_listener(_note_spawned)
listeners.quitting.add_listener(RECORDER.fail)
globals().update(
    http_users(WORK["target"], WORK["user_classes"], WORK["step_s"], WORK["locust_user"])
)
