"""How a Locust master follows its load, ends it and writes it down; runs inside Locust only.

About twice a second it adds a line to the run's progress and replaces the run's result by what
was measured so far, so that a master that is killed leaves all but its last second behind.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent

from engine.load import folder
from engine.load.driver import LoadPhase
from engine.load.locust_worker import REPORT_KEY, STOP_MESSAGE
from engine.load.request_watch import names_of
from engine.load.requests import merged_rows
from engine.load.tally import Tally, note_level
from engine.load.verdict import CANCELLED, COMPLETED, FAILED
from kernel.disk import is_no_room

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.runners import MasterRunner

SAMPLE_S = 0.5
RESULT_PAUSE = 20
"""Times as long as a result takes to be written, until the next: it has tables that may be long."""

RATE_WINDOW_SAMPLES = 7
"""Requests per second are those of the last three seconds."""

COLLECT_S_MAX = 3.0
"""How long the last reports are waited for: a busy worker takes a while to end its users."""

NOTHING_YET: folder.Document = {
    "phase": LoadPhase.WAITING,
    "elapsed_s": 0.0,
    "users": 0,
    "requests": 0,
    "failures": 0,
    "requests_per_s": 0.0,
    "message": "",
    "peak_users": 0,
}

_POLL_S = 0.02


@dataclass(slots=True)
class Worker:
    """What the master knows of one injector's worker; ``client_id`` is empty until it reports."""

    client_id: str = ""
    requests: int = 0
    cpu_percent_max: float | None = None
    processor_from_s: float | None = None
    processor_s: float = 0.0
    reported_last: bool = False

    @property
    def load_processor_s(self) -> float | None:
        """Processor seconds since the load began to flow."""
        return None if self.processor_from_s is None else self.processor_s - self.processor_from_s


@dataclass(slots=True)
class Conductor:
    """The master's side of the load.

    Attributes:
        runner: Locust's master.
        place: The run's folder.
        workers: By slot.
        duration_s: Planned length of the test.
        time_scale: Seconds of the test that one second plays.
        ended: How the load ended; None: it has not.
        peak_users: Most users active at once so far.
        began_s: When load began to flow, on the monotonic clock.
        load_s: For how long it flowed, once it has ended.
        tally: What all workers' requests came to.
        levels: Pairs of a second of the load and the users from then on.
        result_due_s: When the result is written next, on the monotonic clock.
        recent: The last samples: instant, requests.
    """

    runner: MasterRunner
    place: Path
    workers: tuple[Worker, ...]
    duration_s: float
    time_scale: float
    ended: str | None = None
    peak_users: int = 0
    began_s: float | None = None
    load_s: float = 0.0
    tally: Tally = field(default_factory=Tally)
    levels: list[list[int]] = field(default_factory=list)
    result_due_s: float = 0.0
    recent: deque[tuple[float, int]] = field(
        default_factory=lambda: deque([(0.0, 0)], maxlen=RATE_WINDOW_SAMPLES)
    )

    def listen(self, environment: Environment) -> None:
        """Take part in what Locust does from here on.

        Locust installs its own handler of SIGTERM only once the load has ended.
        """
        events: Any = environment.events
        events.test_start.add_listener(self.begin)
        events.worker_report.add_listener(self.hear)
        events.spawning_complete.add_listener(self.note_users)
        events.quitting.add_listener(self.note_end)
        gevent.signal_handler(signal.SIGTERM, self.cancel)
        gevent.spawn(self.follow)

    def begin(self, **_: object) -> None:
        """Load flows from now on."""
        self.began_s = time.monotonic()
        folder.keep_room(self.place)

    def hear(self, client_id: str, data: dict[str, Any], **_: object) -> None:
        """A worker reported; Locust has merged its figures already."""
        report = data[REPORT_KEY]
        worker = self.workers[report["slot"]]
        worker.client_id = client_id
        worker.requests += data["stats_total"]["num_requests"]
        worker.cpu_percent_max = max(worker.cpu_percent_max or 0.0, report["cpu_percent"])
        worker.processor_s = report["processor_s"]
        if self.began_s is None or worker.processor_from_s is None:
            worker.processor_from_s = worker.processor_s
        worker.reported_last = report["final"]
        self.tally.add(report["tally"])

    def note_users(self, **_: object) -> None:
        """See how many users there are; a peak may be shorter than the time between samples."""
        self.peak_users = max(self.peak_users, self.runner.user_count)
        if self.began_s is not None and self.ended is None:
            note_level(self.levels, time.monotonic() - self.began_s, self.runner.user_count)

    def follow(self) -> None:
        """Write down how it goes until it ends."""
        while self.ended is None:
            self.note_users()
            self.write()
            gevent.sleep(SAMPLE_S)

    def finish(self, ended: str) -> None:
        """End the load, collect what the workers have not reported yet, and write it all down."""
        if self.ended is not None:
            return
        self._measure_load()
        self.ended = ended
        if self.began_s is not None:
            # As in Locust's own stop: else it would hand the users of those who leave to the rest.
            self.runner._users_dispatcher = None  # noqa: SLF001 - there is no other way
            self.runner.send_message(STOP_MESSAGE)
            self._collect()
        self.write()

    def cancel(self) -> None:
        """SIGTERM: what was measured so far is the result."""
        if self.ended is None:
            self.finish(CANCELLED)
            self.runner.quit()
            sys.exit(0)

    def note_end(self, **_: object) -> None:
        """Locust quits; if we did not ask for it, the load failed."""
        if self.ended is None:
            self._measure_load()
            self.ended = FAILED
            self.write()

    def write(self) -> None:
        """How it goes by now; where the disk is full, the last is written into room kept for it."""
        if self.ended is not None:
            folder.give_room(self.place)
        try:
            self._write()
        except OSError as error:
            # There may be room again for the next.
            if self.ended is not None or not is_no_room(error):
                raise

    def _write(self) -> None:
        """One line of progress, and the result so far if there is any; the result first."""
        self._measure_load()
        total = self.runner.stats.total
        self.recent.append((self.load_s, total.num_requests))
        before_s = time.monotonic()
        if self.began_s is not None and (self.ended is not None or before_s >= self.result_due_s):
            folder.write_document(self.place / folder.RESULT, self._result())
            written_s = time.monotonic()
            self.result_due_s = written_s + RESULT_PAUSE * (written_s - before_s)
        folder.append_line(
            self.place / folder.PROGRESS,
            {
                "phase": self._phase(),
                "elapsed_s": min(self.load_s * self.time_scale, self.duration_s),
                "users": self.runner.user_count if self.ended is None else 0,
                "requests": total.num_requests,
                "failures": total.num_failures,
                "requests_per_s": self._requests_per_s(),
                "workers": Counter(client.state for client in self.runner.clients.values()),
                "cpu_percent_max": max(worker.cpu_percent_max or 0.0 for worker in self.workers),
                "message": self._message(),
                "peak_users": self.peak_users,
            },
        )

    def _collect(self) -> None:
        for _look in range(round(COLLECT_S_MAX / _POLL_S)):
            if all(worker.reported_last for worker in self.workers if not self._missing(worker)):
                return
            gevent.sleep(_POLL_S)

    def _measure_load(self) -> None:
        if self.began_s is not None and self.ended is None:
            self.load_s = time.monotonic() - self.began_s

    def _result(self) -> folder.Document:
        total = self.runner.stats.total
        return {
            "ended": self.ended,
            "message": self._message(),
            "load_s": self.load_s,
            "requests": total.num_requests,
            "failures": total.num_failures,
            "peak_users": self.peak_users,
            "response_times_ms": sorted(total.response_times.items()),
            "tally": self.tally.document(),
            "levels": self.levels,
            "names": merged_rows([names_of(self.runner.stats)]),
            "injectors": [
                {
                    "slot": slot,
                    "requests": worker.requests,
                    "cpu_percent_max": worker.cpu_percent_max,
                    "lost": self._lost(worker),
                    "processor_s": worker.load_processor_s,
                }
                for slot, worker in enumerate(self.workers)
            ],
        }

    def _phase(self) -> LoadPhase:
        if self.ended is None:
            return LoadPhase.WAITING if self.began_s is None else LoadPhase.FLOWING
        return LoadPhase.DONE if self.ended == COMPLETED else LoadPhase.FAILED

    def _message(self) -> str:
        wanted = len(self.workers)
        if self.ended == CANCELLED:
            return "the load was ended before its time"
        if self.began_s is None:
            return f"{len(self.runner.clients.ready)} of {wanted} injectors are ready"
        lost = sum(self._lost(worker) for worker in self.workers)
        if lost:
            return f"{lost} of {wanted} injectors were lost"
        return last_error() if self.ended == FAILED else ""

    def _requests_per_s(self) -> float:
        (from_s, before), (until_s, requests) = self.recent[0], self.recent[-1]
        return (requests - before) / (until_s - from_s) if until_s > from_s else 0.0

    def _missing(self, worker: Worker) -> bool:
        client = self.runner.clients.get(worker.client_id)
        return client is None or client.state == "missing"

    def _lost(self, worker: Worker) -> bool:
        if self.ended is None:
            return worker.client_id != "" and self._missing(worker)
        return not worker.reported_last


def note_disorder(place: Path) -> None:
    """At the master's exit: if its load has not ended in order, say why."""
    line = folder.last_line(place / folder.PROGRESS) or NOTHING_YET
    if line["phase"] not in {LoadPhase.DONE, LoadPhase.FAILED}:
        failed = {**line, "phase": LoadPhase.FAILED, "message": last_error()}
        folder.append_line(place / folder.PROGRESS, failed)


def last_error() -> str:
    """The last error that Locust logged, without time and place, or the one that it died of."""
    from locust import log

    lines: list[str] = log.get_logs()  # type: ignore[no-untyped-call]
    errors = [line for line in lines if "/ERROR/" in line or "/CRITICAL/" in line]
    if errors:
        return errors[-1].partition(": ")[2].splitlines()[0]
    died_of = getattr(sys, "last_value", None) or "no error was logged"
    return f"the load generator ended before its time: {died_of}"
