"""loadmuster: what a load test takes and costs; its runs, their bills, and the books.

The public face; names are loaded when they are first used:

    from loadmuster import Engine, estimate, read_scenario

    scenario = read_scenario("checkout.yaml")
    print(estimate(scenario).requirement.li_minutes, "LI-minutes")
    with Engine(database_url="sqlite:///loads.db") as engine:
        engine.accounts.open("acme", plan="starter")
        run = engine.run(scenario, account="acme", provider="aws", dry_run=True)
        print(run.outcome, engine.runs.show(run.id).bill)

``python -m loadmuster`` is the command line.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.load.driver import LoadResult
    from engine.planning.compare import Comparison, compare
    from engine.planning.estimate import Estimate, estimate
    from engine.readers import read_scenario
    from engine.readers.scenario_request import ScenarioRequest
    from engine.runs.model.states import Outcome, Run, RunState
    from engine.runs.prepared import PreparedRun
    from engine.runs.request import RunRequest
    from engine.runs.view import RunView
    from engine.scenario import MachineWishes, Scenario, Tls
    from engine.sweeping.frames import sweep_frame
    from engine.sweeping.sweep import sweep
    from kernel.clock import ManualClock, StartingClock, SystemClock
    from kernel.errors import (
        BadInputError,
        InvariantBrokenError,
        LoadmusterError,
        ProviderFailedError,
        RefusedError,
    )
    from pricing.reports.report_period import ReportPeriod

__all__ = [
    "BadInputError",
    "Comparison",
    "Engine",
    "Estimate",
    "InvariantBrokenError",
    "LoadResult",
    "LoadmusterError",
    "MachineWishes",
    "ManualClock",
    "Outcome",
    "PreparedRun",
    "ProviderFailedError",
    "RefusedError",
    "ReportPeriod",
    "Run",
    "RunRequest",
    "RunState",
    "RunView",
    "Scenario",
    "ScenarioRequest",
    "StartingClock",
    "SystemClock",
    "Tls",
    "compare",
    "estimate",
    "read_scenario",
    "sweep",
    "sweep_frame",
]

_HOMES = {
    "BadInputError": "kernel.errors",
    "Comparison": "engine.planning.compare",
    "Engine": "engine.api",
    "Estimate": "engine.planning.estimate",
    "InvariantBrokenError": "kernel.errors",
    "LoadResult": "engine.load.driver",
    "LoadmusterError": "kernel.errors",
    "MachineWishes": "engine.scenario",
    "ManualClock": "kernel.clock",
    "Outcome": "engine.runs.model.states",
    "PreparedRun": "engine.runs.prepared",
    "ProviderFailedError": "kernel.errors",
    "RefusedError": "kernel.errors",
    "ReportPeriod": "pricing.reports.report_period",
    "Run": "engine.runs.model.states",
    "RunRequest": "engine.runs.request",
    "RunState": "engine.runs.model.states",
    "RunView": "engine.runs.view",
    "Scenario": "engine.scenario",
    "ScenarioRequest": "engine.readers.scenario_request",
    "StartingClock": "kernel.clock",
    "SystemClock": "kernel.clock",
    "Tls": "engine.scenario",
    "compare": "engine.planning.compare",
    "estimate": "engine.planning.estimate",
    "read_scenario": "engine.readers",
    "sweep": "engine.sweeping.sweep",
    "sweep_frame": "engine.sweeping.frames",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'loadmuster' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
