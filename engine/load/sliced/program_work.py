"""What injectors need to play a load with a scenario's program."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from engine.load.shape import UserPlan, plan_users
from engine.load.tls import CA_FILE
from engine.load_engines import LOAD_ENGINES
from engine.scenario import Scenario
from engine.scenario.program import LoadProgram

PROGRAMS = Path(__file__).with_name("agent") / "programs"
SEGMENTS_MAX = 10_000
"""k6 makes tables as long as the common denominator of its execution segments."""

Corner = tuple[float, int]
"""Seconds from the start, and the users at that instant; evenly more or fewer until the next."""

_COMMON = ("prepare.sh", "load.sh", "csv.awk", "detail.awk", "samples.awk")


def program_files(
    scenario: Scenario, program: LoadProgram, time_scale: float, packed: bytes
) -> dict[str, bytes]:
    """The files of the bundle, by name; no name or text of the scenario becomes part of a script.

    Args:
        scenario: With a target.
        program: The scenario's.
        time_scale: Seconds of the test that one second plays.
        packed: The program's own files, as ``engine.readers.program.bundle.pack`` makes them.
    """
    plan = plan_users(scenario.profile, time_scale)
    corners = corners_of(plan)
    engine = LOAD_ENGINES[program.kind]
    files = {name: (PROGRAMS / name).read_bytes() for name in _COMMON} | engine.agent_files()
    files["program.sh"] = _assignments(_settings(scenario, program, plan)).encode()
    files["corners"] = "".join(f"{at_s:g} {users}\n" for at_s, users in corners).encode()
    files["stages"] = "".join(f"{stage}\n" for stage in k6_stages(corners)).encode()
    files["files.tar"] = packed
    if engine.main_in is not None:
        files[engine.main_in] = program.main.encode()
    if scenario.tls.ca_pem is not None:
        files[CA_FILE] = scenario.tls.ca_pem.encode()
    if program.prepare is not None:
        files["user-prepare.sh"] = program.prepare.encode()
    return files


def corners_of(plan: UserPlan) -> tuple[Corner, ...]:
    """The plan's users where they begin to change otherwise; never more than its peak."""
    return tuple(
        (point.at_s, min(math.ceil(point.level), plan.peak_users)) for point in plan.curve.points
    )


def k6_stages(corners: Sequence[Corner]) -> tuple[str, ...]:
    """The corners as k6's ``--stage``: a jump to where they begin, then one for each way."""
    first = f"0s:{corners[0][1]}"
    ways = pairwise(corners)
    return (
        first,
        *(
            f"{round(until * 1000) - round(at * 1000)}ms:{users}"
            for (at, _), (until, users) in ways
        ),
    )


def ramp_up_s(corners: Sequence[Corner]) -> int:
    """Seconds until the most users are there for the first time."""
    full_s, _ = _first_full(corners)
    return math.ceil(full_s)


def approximation_of(scenario: Scenario, time_scale: float) -> str:
    """What a program makes of the load's shape, if it cannot follow it; empty: nothing."""
    program = scenario.program
    if program is None or LOAD_ENGINES[program.kind].follows_shape:
        return ""
    corners = corners_of(plan_users(scenario.profile, time_scale))
    full_s, most = _first_full(corners)
    if all(
        users == (most if at_s >= full_s else round(most * at_s / full_s))
        for at_s, users in corners
    ):
        return ""
    return (
        f"{program.kind} was told the most users, their ramp-up and the duration; what else "
        "the load's shape says it does not know"
    )


def _first_full(corners: Sequence[Corner]) -> Corner:
    """The first corner with the most users."""
    return max(corners, key=lambda corner: corner[1])


def _settings(scenario: Scenario, program: LoadProgram, plan: UserPlan) -> Mapping[str, str]:
    assert scenario.target is not None, "a scenario without target is never prepared"
    return {
        "LOADMUSTER_TARGET": scenario.target.rstrip("/"),
        "LOADMUSTER_DURATION_S": str(math.ceil(plan.duration_s)),
        "USERS_MAX": str(plan.peak_users),
        "RAMP_UP_S": str(ramp_up_s(corners_of(plan))),
        "SEGMENTS": str(min(plan.peak_users, SEGMENTS_MAX)),
        "MAIN": program.main if LOAD_ENGINES[program.kind].main_in is None else "",
        "RESULTS": program.results or "",
        "VERSION": program.version or "",
        "CLASSPATH": program.classpath or "",
        "OWN_PROFILE": "yes" if program.own_profile else "",
        "LOADMUSTER_TLS_VERIFY": "true" if scenario.tls.verify else "false",
    }


def _assignments(settings: Mapping[str, str]) -> str:
    """Assignments for sh, every value quoted."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
