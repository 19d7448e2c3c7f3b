"""A run that is ready to be accepted: what was read, estimated and chosen for its request."""

from __future__ import annotations

from msgspec import Struct

from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet
from engine.runs.model.states import Placement
from engine.runs.request import RunRequest
from engine.scenario import Scenario


class PreparedRun(Struct, frozen=True):
    """What is shown before a run starts, and what then is started.

    Attributes:
        request: What was asked for.
        scenario: What is run, as the run's order keeps it.
        estimate: What it takes and costs, with what was measured of its users.
        placements: Which machines, and where else they may come from.
        time_scale: Seconds of the test that one second plays.
    """

    request: RunRequest
    scenario: Scenario
    estimate: Estimate
    placements: tuple[Placement, ...]
    time_scale: float

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """The fleets of the clouds that it may go to."""
        return tuple(each for each in self.estimate.clouds if each.provider in self.request.clouds)
