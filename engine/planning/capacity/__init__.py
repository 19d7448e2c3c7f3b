"""Capacity: what one user takes, what a machine offers, and how many users that makes.

``figures`` holds what is published and measured by protocol and load engine, ``demand`` what one
user of a scenario takes, ``outlook`` the most and the least that it may turn out to, and ``model``
the users that a machine carries, and what binds.
"""

from engine.planning.capacity.demand import Demand, demand_of
from engine.planning.capacity.figures import BY_ENGINE, FIGURES, ProtocolFigures, figures_of
from engine.planning.capacity.model import (
    GIVEN,
    PROCESSOR_CEILING_PERCENT,
    STANDARD_INJECTOR,
    Capacity,
    Host,
    bounds_of,
    capacity_of,
)
from engine.planning.capacity.outlook import outlook

__all__ = [
    "BY_ENGINE",
    "FIGURES",
    "GIVEN",
    "PROCESSOR_CEILING_PERCENT",
    "STANDARD_INJECTOR",
    "Capacity",
    "Demand",
    "Host",
    "ProtocolFigures",
    "bounds_of",
    "capacity_of",
    "demand_of",
    "figures_of",
    "outlook",
]
