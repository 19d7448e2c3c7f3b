"""What every injector of a run fetches: one archive, the same for all."""

from __future__ import annotations

import gzip
import io
import json
import math
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.load.shape import STEP_S, UserPlan, cpu_window_s, plan_users
from engine.load.tls import CA_FILE
from engine.load_engines import LOCUST
from engine.scenario import Scenario
from engine.scenario.json import scenario_to_json
from engine.scenario.profile import iteration_s_of

AGENT = Path(__file__).with_name("agent")
MEASURE = (AGENT / "measure.sh", AGENT / "measure.awk")
SHARED = tuple(
    AGENT.parents[1] / f"{name}.py"
    for name in ("failure_kinds", "http_users", "locust_tls", "request_watch", "tally")
)
"""What Locust's users do and how it is counted, the same here and on injectors."""

Step = tuple[float, int]
"""Seconds from the start, and the users from then on."""


def user_steps(plan: UserPlan) -> tuple[Step, ...]:
    """The users of the plan, step by step; steps that change nothing are left out."""
    steps: list[Step] = []
    most = 0
    for number in range(math.ceil(plan.duration_s / STEP_S)):
        users = plan.users_for(number * STEP_S, most)
        most = max(most, users)
        if not steps or steps[-1][1] != users:
            steps.append((number * STEP_S, users))
    return tuple(steps)


def work_document(scenario: Scenario, time_scale: float) -> dict[str, Any]:
    """What is played; whose share it is says the start file."""
    plan = plan_users(scenario.profile, time_scale)
    assert scenario.target is not None, "a scenario without target is never prepared"
    return {
        "target": scenario.target.rstrip("/"),
        "duration_s": plan.duration_s,
        "steps": user_steps(plan),
        "step_s": STEP_S,
        "cpu_window_s": cpu_window_s(plan.duration_s),
        "user_classes": scenario_to_json(scenario)["user_classes"],
        "iteration_s": iteration_s_of(scenario.profile),
        "locust_user": scenario.locust_user,
        "locustfile": None if scenario.program is None else scenario.program.main,
        "time_scale": time_scale,
        "tls": {
            "verify": scenario.tls.verify,
            "ca": None if scenario.tls.ca_pem is None else CA_FILE,
        },
    }


def locust_files(
    scenario: Scenario, time_scale: float, locust_version: str, packed: bytes = b""
) -> dict[str, bytes]:
    """The files of the bundle where Locust plays the scenario's users, or a locustfile, by name.

    Args:
        scenario: With a target.
        time_scale: Seconds of the test that one second plays.
        locust_version: Which one injectors install.
        packed: The files of the scenario's locustfile, if it has one, as
            ``engine.readers.program.bundle.pack`` makes them.
    """
    files = LOCUST.agent_files() | {path.name: path.read_bytes() for path in SHARED}
    files["work.json"] = json.dumps(work_document(scenario, time_scale)).encode()
    files["locust-version"] = locust_version.encode()
    if scenario.tls.ca_pem is not None:
        files[CA_FILE] = scenario.tls.ca_pem.encode()
    program = scenario.program
    if program is not None:
        assert scenario.target is not None, "a scenario without target is never prepared"
        files |= {"files.tar": packed, "host": scenario.target.rstrip("/").encode()}
        if program.prepare is not None:
            files["user-prepare.sh"] = program.prepare.encode()
    return files


def measure_window_s(duration_s: float) -> int:
    """Over how long a machine is measured each time, in a load of so many seconds."""
    return max(2, math.ceil(cpu_window_s(duration_s)))


def bundle(files: Mapping[str, bytes]) -> bytes:
    """The archive, gzipped, with what measures the machine; the same files give the same bytes."""
    held = {**files, **{path.name: path.read_bytes() for path in MEASURE}}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in sorted(held.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
