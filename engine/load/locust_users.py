"""What Locust plays, as master and as worker: the users of a scenario, and how many there are.

Imported inside Locust only, through ``locustfile``. The order is read from the folder that
``engine.load.locust`` prepared.
"""

from __future__ import annotations

import atexit
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from locust import LoadTestShape, events, runners

from engine.load import folder
from engine.load.http_users import http_users
from engine.load.locust import WORKERS_WAIT_S
from engine.load.locust_master import Conductor, Worker, note_disorder
from engine.load.locust_tls import believe
from engine.load.locust_worker import Injector
from engine.load.shape import STEP_S, cpu_window_s, plan_users
from engine.load.tls import CA_FILE
from engine.load.verdict import COMPLETED
from engine.scenario.json import scenario_from_json
from engine.scenario.profile import iteration_s_of

REPORTS_PER_S_MAX = 200
"""What all workers together send, so that the master keeps up with hundreds of them."""

MASTER_SILENCE_S_MAX = 15
"""A worker whose master was killed ends itself after that long."""

WORKER_SILENCE_S_MAX = 15
"""A worker that says nothing for that long is lost; on a busy machine some seconds are nothing."""


def _add_arguments(parser: ArgumentParser) -> None:
    """Tell Locust of our arguments; it sends them to the workers, so they must be plain values."""
    parser.add_argument("--loadmuster-folder", required=True)
    parser.add_argument("--loadmuster-slot", type=int)


def _own_arguments() -> tuple[Path, int | None]:
    """Folder and slot (None: this is the master), which are needed before Locust parses its own."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    _add_arguments(parser)
    own, _ = parser.parse_known_args(sys.argv[1:])
    return Path(own.loadmuster_folder), own.loadmuster_slot


FOLDER, SLOT = _own_arguments()
ORDER = folder.read_document(FOLDER / folder.ORDER)
assert ORDER is not None, f"{FOLDER} was not prepared"
SCENARIO = scenario_from_json(ORDER["scenario"])
PLAN = plan_users(SCENARIO.profile, ORDER["time_scale"])
assert SCENARIO.target is not None, "a scenario without target is never prepared"
TARGET = SCENARIO.target.rstrip("/")
believe(
    verify=SCENARIO.tls.verify,
    ca_file=None if SCENARIO.tls.ca_pem is None else str(FOLDER / CA_FILE),
)


class Shape(LoadTestShape):
    """Follows the plan, and ends the load where the plan ends."""

    conductor: Conductor | None = None
    most_users = 0
    last: tuple[int, float] = (0, 1.0)

    def tick(self) -> tuple[int, float] | None:
        """Users wanted and how many to start a second: all that are missing, at once."""
        assert self.conductor is not None, "only the master asks for the shape"
        if self.conductor.ended is not None:
            return self.last
        at_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if at_s >= PLAN.duration_s:
            self.conductor.finish(COMPLETED)
            return None
        users = PLAN.users_for(at_s, self.most_users)
        self.most_users = max(self.most_users, users)
        if users != self.last[0]:
            self.last = (users, max(1.0, abs(users - self.last[0])))
        return self.last


def found_by_locust() -> dict[str, type]:
    """What the locustfile has to hold, by name."""
    assert ORDER is not None
    user_classes = http_users(
        TARGET,
        ORDER["scenario"]["user_classes"],
        STEP_S,
        SCENARIO.locust_user,
        iteration_s_of(SCENARIO.profile),
    )
    return {"Shape": Shape, **user_classes}


def _join(environment: Any, runner: Any, **_: object) -> None:  # noqa: ANN401 - Locust's, untyped
    """Locust is set up: begin to follow the load, or to serve it."""
    if SLOT is not None:
        Injector(runner, SLOT).listen(environment)
        return
    assert ORDER is not None
    conductor = Conductor(
        runner,
        FOLDER,
        tuple(Worker() for _ in range(ORDER["injectors"])),
        SCENARIO.profile.duration_s,
        ORDER["time_scale"],
    )
    conductor.listen(environment)
    environment.shape_class.conductor = conductor


runners.WORKER_REPORT_INTERVAL = max(0.5, ORDER["injectors"] / REPORTS_PER_S_MAX)
runners.CPU_MONITOR_INTERVAL = cpu_window_s(PLAN.duration_s)
runners.CONNECT_RETRY_COUNT = WORKERS_WAIT_S // runners.CONNECT_TIMEOUT
runners.MASTER_HEARTBEAT_TIMEOUT = MASTER_SILENCE_S_MAX
runners.HEARTBEAT_LIVENESS = WORKER_SILENCE_S_MAX // runners.HEARTBEAT_INTERVAL
events.init_command_line_parser.add_listener(_add_arguments)  # type: ignore[no-untyped-call]
events.init.add_listener(_join)  # type: ignore[no-untyped-call]
if SLOT is None:
    atexit.register(note_disorder, FOLDER)
