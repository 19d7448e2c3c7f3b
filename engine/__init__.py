"""loadmuster's engine: what a load test takes, what it costs, and the runs themselves.

The public names, loaded when they are first used:

    Engine, RunRequest, Scenario, read_scenario, estimate, compare, sweep, sweep_frame

``loadmuster`` is the package that callers import; it has these and the types around them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.planning.compare import compare
    from engine.planning.estimate import estimate
    from engine.readers import read_scenario
    from engine.runs.request import RunRequest
    from engine.scenario import Scenario
    from engine.sweeping.frames import sweep_frame
    from engine.sweeping.sweep import sweep

__all__ = [
    "Engine",
    "RunRequest",
    "Scenario",
    "compare",
    "estimate",
    "read_scenario",
    "sweep",
    "sweep_frame",
]

_HOMES = {
    "Engine": "engine.api",
    "RunRequest": "engine.runs.request",
    "Scenario": "engine.scenario",
    "compare": "engine.planning.compare",
    "estimate": "engine.planning.estimate",
    "read_scenario": "engine.readers",
    "sweep": "engine.sweeping.sweep",
    "sweep_frame": "engine.sweeping.frames",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
