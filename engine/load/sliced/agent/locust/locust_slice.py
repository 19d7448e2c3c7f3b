"""One process of one injector: its part of the load, played by Locust.

Runs in a folder of its own, beside ``work.json`` and the modules of ``engine/load`` that need no
other, with nothing else of loadmuster. Once Locust is set up it makes the file ``waiting-PART`` and
waits for the file ``go``, which says when the load starts (seconds since 1970), which share of it
this injector plays (``low-high-whole``) and which of all injectors it is; ``start`` has the shares
of all. Of the injector's processes this is ``LOADMUSTER_PART`` of ``LOADMUSTER_PARTS``. Where
``work.json`` names a locustfile, its users are played, and its shape if it has one. About once a
second the report is replaced by what was measured so far; what takes more room is in a file of its
own, which is replaced now and then, and before the last report.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import sys
import time
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import failure_kinds
import gevent
from http_users import http_users
from loadmuster_dispatch import Owners, dispatcher_of, shares_in
from loadmuster_locustfile import FILES, HERE, ListenerErrors, OwnShape, load_own, say_problem, told
from locust import LoadTestShape, events, log, runners
from locust_tls import believe
from request_watch import names_of, watch
from tally import Tally, note_level

if TYPE_CHECKING:
    from locust.env import Environment

SAMPLE_S = 1.0
WORK: dict[str, Any] = json.loads(Path("work.json").read_text(encoding="utf-8"))
PART, PARTS = int(os.environ["LOADMUSTER_PART"]), int(os.environ["LOADMUSTER_PARTS"])
REPORT = HERE / f"report-{PART}.json"
DETAIL = HERE / f"detail-{PART}.json"
DETAIL_S = 15.0
GO = HERE / "go"
GO_POLL_S = 0.05
WAIT_S_MAX = 6 * 3_600
"""For the file ``go``: longer than any fleet is waited for."""

NOTES_MAX, NOTE_MAX = 5, 300
PARENT = os.getppid()
STARTER = int(os.environ.get("LOADMUSTER_STARTER", PARENT))
"""Who started ``load.sh``."""


EARLY_S_MAX = 2.0
"""A shape that ends so much before its planned end was another one when it was quoted."""


def read_go() -> tuple[float, Owners]:
    """When the load starts, and which of its users are this process's."""
    at_s, share, *place = GO.read_text(encoding="utf-8").split()
    start = HERE / "start"
    if not start.exists():
        low, high, _ = (int(each) for each in share.split("-"))
        return float(at_s), Owners([high - low], 0, PART, PARTS)
    shares = shares_in(start.read_text(encoding="utf-8"))
    return float(at_s), Owners(shares, int(place[0]), PART, PARTS)


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
        self.start_s = 0.0
        self.ended: str | None = None
        self.message = ""
        self.listener_errors = ListenerErrors()
        self.exit_code = 0
        self.began_s: float | None = None
        self.load_s = 0.0
        self.users: list[list[int]] = []
        self.cpu_percent_max = 0.0
        self.tally = Tally()
        self.detailed_s = 0.0

    def hear_errors(self, **_: object) -> None:
        """Locust has set up its log: hear of listeners that fail."""
        logging.getLogger().addHandler(self.listener_errors)

    def begin(self, environment: Environment, **_: object) -> None:
        """Locust is set up: wait for the common start, and write down how it goes."""
        self.environment = environment
        if log.unhandled_greenlet_exception:
            say_problem(next(iter(self.listener_errors.notes), "a listener failed"))
            return
        watch(environment, self.tally, failure_kinds, self.played_s)
        gevent.signal_handler(signal.SIGTERM, self.cancel)
        (HERE / f"waiting-{PART}").touch()
        waited_until_s = time.monotonic() + WAIT_S_MAX
        while not GO.exists():
            if is_left_alone() or time.monotonic() > waited_until_s:
                sys.exit(1)
            gevent.sleep(GO_POLL_S)
        self.start_s, owners = read_go()
        environment.dispatcher_class = dispatcher_of(owners)
        gevent.sleep(max(0.0, self.start_s - time.time()))
        if WORK["locustfile"]:
            os.chdir(FILES)
        self.began_s = time.time()
        gevent.spawn(self.follow)

    def played_s(self) -> float:
        """How far the load is, by the common clock."""
        return max(0.0, time.time() - self.start_s)

    def follow(self) -> None:
        """Replace the report about once a second; a load that nobody waits for ends."""
        while self.ended is None:
            if is_left_alone():
                self.cancel()
            # A disk that is full now may have room for the next.
            with suppress(OSError):
                self.write()
            gevent.sleep(SAMPLE_S)

    def end(self, ended: str, message: str = "") -> None:
        """The load is over; what comes later does not count."""
        if self.ended is None:
            self._measure()
            self.ended, self.message = ended, message
            self.tally.close()
            self.write()
            if ended != "failed":
                # However the process leaves now: what it measured stands.
                (HERE / f"played-{PART}").touch()

    def cancel(self) -> None:
        """SIGTERM: what was measured so far is the result; it may be nothing yet."""
        if self.began_s is None and GO.exists():
            # It has its share, so it would count as lost if it said nothing.
            self.start_s, _ = read_go()
            self.began_s = max(time.time(), self.start_s)
        if self.began_s is not None:
            self.end("cancelled")
        sys.exit(0)

    def fail(self, **_: object) -> None:
        """Locust quits; if we did not ask for it, the load failed."""
        if self.began_s is not None:
            by = WORK["locustfile"] or "Locust"
            self.end("failed", f"{by} ended the load itself after {self.played_s():.0f} s")

    def note_exit_code(self, exit_code: int, **_: object) -> None:
        """A code that the user's own code chose is a finding; the result says so."""
        chosen = None if self.environment is None else self.environment.process_exit_code
        if self.began_s is not None and chosen:
            self.exit_code = exit_code
            self.write()

    def note_users(self, user_count: int) -> None:
        """Users by the second of the load, whenever they change."""
        note_level(self.users, self.played_s(), user_count)

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
            "late_s": max(0.0, self.began_s - self.start_s),
            "load_s": self.load_s,
            "users": self.users,
            "requests": total.num_requests,
            "failures": total.num_failures,
            "begun": self.tally.begun,
            "open_wait_ms": self.tally.open_wait_ms(),
            "requests_per_s": total.current_rps if self.ended is None else 0.0,
            "response_times_ms": sorted(total.response_times.items()),
            "cpu_percent_max": self.cpu_percent_max,
            "message": self.message,
            "notes": self.notes(),
        }
        if self.ended is not None or self.load_s >= self.detailed_s + DETAIL_S:
            self.detailed_s = self.load_s
            stats = self.environment.stats
            _replace(DETAIL, {"tally": self.tally.document(), "names": names_of(stats)})
        _replace(REPORT, report)

    def notes(self) -> list[str]:
        """What went wrong in the user's own code beside its requests, one line each."""
        assert self.environment is not None, "Locust is set up before it plays"
        runner = self.environment.runner
        raised = [] if runner is None else list(runner.exceptions.values())[:NOTES_MAX]
        users = [
            f"a user raised {each['msg']!r} (count: {each['count']})"[:NOTE_MAX] for each in raised
        ]
        code = [f"it ended with exit code {self.exit_code}"] if self.exit_code else []
        return [*self.listener_errors.notes, *users, *code]

    def count_users(self) -> int:
        """Users of all processes, as this one knows them."""
        runner = None if self.environment is None else self.environment.runner
        dispatcher = None if runner is None else runner._users_dispatcher  # noqa: SLF001
        return 0 if dispatcher is None else int(dispatcher.get_current_user_count())

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


class LoadmusterShape(LoadTestShape):
    """Follows the plan by the common clock, and ends the load where the plan ends.

    The users are those of all injectors; which of them are here, the dispatcher knows.
    """

    own: OwnShape | None = None
    last: tuple[int, float] = (0, 1.0)

    def tick(self) -> Any:  # noqa: ANN401 - as Locust takes it
        """Users wanted and how many to start a second: all that are missing, at once."""
        at_s = RECORDER.played_s()
        if at_s >= WORK["duration_s"]:
            RECORDER.end("completed")
            return None
        if self.own is not None:
            return self._own_tick(self.own, at_s)
        users = users_planned(at_s)
        if users != self.last[0]:
            self.last = (users, max(1.0, abs(users - self.last[0])))
        return self.last

    def _own_tick(self, own: OwnShape, at_s: float) -> Any:  # noqa: ANN401 - as Locust takes it
        try:
            wanted = own.tick(self.runner)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises
            RECORDER.end("failed", told(error))
            return None
        if wanted is None and at_s < WORK["duration_s"] - EARLY_S_MAX:
            RECORDER.end("failed", f"the shape ended the load after {at_s:.0f} s, before its plan")
        elif wanted is None:
            RECORDER.end("completed")
        return wanted


def _note_exit() -> None:
    """The process leaves without Locust's having ended the load: somebody called ``sys.exit``."""
    if RECORDER.began_s is not None and RECORDER.ended is None:
        by = WORK["locustfile"] or "Locust"
        message = f"{by} ended its process after {RECORDER.played_s():.0f} s"
        RECORDER.end("failed", message)
        say_problem(message)


def _note_spawned(user_count: int, **_: object) -> None:
    RECORDER.note_users(user_count)


def _found_by_locust() -> dict[str, Any]:
    """What Locust looks for in this module, by name."""
    user_classes: dict[str, Any]
    if not WORK["locustfile"]:
        user_classes = http_users(
            WORK["target"],
            WORK["user_classes"],
            WORK["step_s"],
            WORK["locust_user"],
            WORK["iteration_s"],
        )
        return user_classes
    user_classes, shape = load_own(WORK["locustfile"])
    if shape is not None:
        LoadmusterShape.own = OwnShape(
            shape, RECORDER.played_s, RECORDER.count_users, WORK["time_scale"]
        )
    return user_classes


believe(
    verify=WORK["tls"]["verify"],
    ca_file=None if WORK["tls"]["ca"] is None else str(HERE / WORK["tls"]["ca"]),
)
runners.CPU_MONITOR_INTERVAL = WORK["cpu_window_s"]
atexit.register(_note_exit)
listeners: Any = events
listeners.init.add_listener(RECORDER.hear_errors)
# The user's own listeners come next: what they prepare is done before this process waits.
globals().update(_found_by_locust())
listeners.init.add_listener(RECORDER.begin)
listeners.spawning_complete.add_listener(_note_spawned)
listeners.quitting.add_listener(RECORDER.fail)
listeners.quit.add_listener(RECORDER.note_exit_code)
