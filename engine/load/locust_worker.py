"""What a Locust worker adds to its reports, and how it leaves; runs inside Locust only.

Every report to the master says which injector it comes from and how busy its processor was. A
worker that is told to stop sends a last report: a master that did not get one knows that the
worker was lost, however short before the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gevent

from engine.load import failure_kinds
from engine.load.request_watch import watch
from engine.load.tally import Tally

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.runners import WorkerRunner

REPORT_KEY = "loadmuster"
STOP_MESSAGE = "loadmuster_stop"

LEAVE_WAIT_S = 3.0
"""A cancel reaches all machines at once; that long a worker stays for the master to collect."""

LOAD_STATES = frozenset({"spawning", "running", "cleanup"})
"""Locust's names for a worker that has users."""

_POLL_S = 0.05


@dataclass(slots=True)
class Injector:
    """One worker's side of the load.

    Attributes:
        runner: Locust's worker.
        slot: Which machine this is, from 0.
        stopped: The master ended the load; what is reported from then on is final.
        reported_last: The last report is on its way.
        began_s: When its users were started, on the monotonic clock; None: they were not.
        tally: What its requests came to since the last report, by the seconds from then on.
    """

    runner: WorkerRunner
    slot: int
    stopped: bool = False
    reported_last: bool = False
    began_s: float | None = None
    tally: Tally = field(default_factory=Tally)

    def listen(self, environment: Environment) -> None:
        """Take part in what Locust does from here on."""
        watch(environment, self.tally, failure_kinds, self.load_s)
        events: Any = environment.events
        events.test_start.add_listener(self.begin)
        events.report_to_master.add_listener(self.add_to_report)
        events.quitting.add_listener(self.leave)
        self.runner.register_message(STOP_MESSAGE, self.stop)

    def begin(self, **_: object) -> None:
        """Its users are started, as those of all workers are: at a word of the master's."""
        self.began_s = time.monotonic()

    def load_s(self) -> float:
        """The second of the load that it is."""
        return 0.0 if self.began_s is None else time.monotonic() - self.began_s

    def add_to_report(self, data: dict[str, Any], **_: object) -> None:
        """Complete a report that is about to be sent."""
        data[REPORT_KEY] = {
            "slot": self.slot,
            "cpu_percent": self.runner.current_cpu_usage,
            "processor_s": time.process_time(),
            "final": self.stopped,
            "tally": self.tally.drained(),
        }

    def stop(self, **_: object) -> None:
        """The master ends the load: end the users, and send what was not sent yet."""
        self.runner.stop()
        # Users may have had their answers while others were ended: what waits by now has none.
        self.tally.close()
        self.stopped = True
        report: dict[str, Any] = {}
        events: Any = self.runner.environment.events
        events.report_to_master.fire(client_id=self.runner.client_id, data=report)
        self.runner.send_message("stats", report)
        self.reported_last = True

    def leave(self, **_: object) -> None:
        """Before this process ends: wait a moment, lest the master miss the last figures."""
        if not self.stopped and self.runner.state not in LOAD_STATES:
            return
        for _look in range(round(LEAVE_WAIT_S / _POLL_S)):
            if self.reported_last:
                return
            gevent.sleep(_POLL_S)
