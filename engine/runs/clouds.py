"""Where a run's machines come from: a provider, the load its machines put on, and its pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.load.driver import LoadDriver
from engine.runs.states import Limits, Run
from providers.contract import Provider


@dataclass(frozen=True, slots=True)
class Cloud:
    """All that the controller needs to act for one run."""

    provider: Provider
    driver: LoadDriver
    limits: Limits


OpenCloud = Callable[[Run], Cloud]
"""Connects to the cloud of a run; also for a run that another process began."""
