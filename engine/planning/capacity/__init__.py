"""Capacity: what one user takes, what a machine offers, and how many users that makes.

``figures`` holds what is published by protocol, ``demand`` what one user of a scenario takes, and
``model`` the users that a machine carries, and what binds.
"""

from engine.planning.capacity.demand import Demand, demand_of, outlook
from engine.planning.capacity.figures import FIGURES, ProtocolFigures
from engine.planning.capacity.model import (
    GIVEN,
    PROCESSOR_CEILING_PERCENT,
    STANDARD_INJECTOR,
    Capacity,
    Host,
    bounds_of,
    capacity_of,
)

__all__ = [
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
    "outlook",
]
