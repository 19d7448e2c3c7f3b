"""Users that few users foretell at the ceiling of a core, against users measured there.

Eight tests whose users behave differently, each calibrated with the real load engine on a target
that is quick enough. A line through the steps up to half of a core foretells how many users fill it
to 70 %; the steps around 70 % say how many did.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Figure
from benchmarks.quick_target import quick_target
from engine.calibrating.injector import Timing
from engine.calibrating.session import USERS_MAX, calibrate, timing_of
from engine.readers import read_scenario
from engine.scenario import Scenario

HEAVY = Path(__file__).with_name("heavy_users.py")
BEHAVIOURS = {
    "pages of 2 kB, a pause of 1 s": "{think_time: 1s, requests: [{path: /2000}]}",
    "pages of 2 kB, a pause of 100 ms": "{think_time: 100ms, requests: [{path: /2000}]}",
    "slow readers, pauses of 2 to 8 s": (
        "{think_time: {min: 2s, max: 8s}, requests: [{path: /2000}]}"
    ),
    "downloads of 200 kB": "{think_time: 1s, requests: [{path: /200000}]}",
    "posts of 10 kB": (
        f"{{think_time: 1s, requests: [{{path: /50, method: POST, body: '{'x' * 10_000}'}}]}}"
    ),
    "one page in ten is 500 kB": (
        "{think_time: 500ms, requests: [{path: /2000, weight: 9}, {path: /500000}]}"
    ),
}
ENGINES = {
    "HttpUser": "{name: locust, user: HttpUser}",
    "heavy processing": "{name: custom, command: python3 heavy_users.py, files: [heavy_users.py]}",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        behaviours: The first so many; None: all.
        timing: Of each step; None: as ``loadmuster calibrate`` takes it.
        users_max: Most users.
    """

    behaviours: int | None = None
    timing: Timing | None = None
    users_max: int = USERS_MAX


def figures(sizes: Sizes = Sizes()) -> list[Figure]:
    """A figure a behaviour."""
    with quick_target() as target, tempfile.TemporaryDirectory() as folder:
        scenarios = list(_scenarios(Path(folder), target))[: sizes.behaviours]
        return [_figure(scenario, sizes) for scenario in scenarios]


def _figure(scenario: Scenario, sizes: Sizes) -> Figure:
    made = calibrate(
        scenario,
        at=datetime.now(UTC),
        users_max=sizes.users_max,
        timing=sizes.timing or timing_of(scenario),
    )
    foretold = made.foretold
    engine = scenario.locust_user if scenario.program is None else "a Python program"
    name = f"users on a core at 70 %: {scenario.name}, {engine}"
    if foretold is None:
        return Figure(name, f"not reached: {made.note}", "", 0.0, "0.85 to 1.15")
    return Figure(
        name,
        f"{foretold.foretold:,} foretold by the steps up to 50 %",
        f"{foretold.measured:,} measured",
        foretold.foretold / foretold.measured,
        "0.85 to 1.15",
    )


def _scenarios(folder: Path, target: str) -> Iterator[Scenario]:
    first = next(iter(BEHAVIOURS.values()))
    for name, users in BEHAVIOURS.items():
        yield _read(folder, target, name, [f"user_classes: [{{name: all, {users[1:]}]"])
    yield _read(
        folder,
        target,
        "pages of 2 kB, a pause of 1 s",
        [f"user_classes: [{{name: all, {first[1:]}]", f"load_engine: {ENGINES['HttpUser']}"],
    )
    (folder / HEAVY.name).write_bytes(HEAVY.read_bytes())
    heavy = f"load_engine: {ENGINES['heavy processing']}"
    yield _read(folder, target, "heavy processing of each answer", [heavy])


def _read(folder: Path, target: str, name: str, lines: Sequence[str]) -> Scenario:
    path = folder / "scenario.yaml"
    head = [f"name: '{name}'", f"target: {target}", "load: {users: 1, duration: 1m}"]
    path.write_text("\n".join([*head, *lines]) + "\n")
    return read_scenario(path)
