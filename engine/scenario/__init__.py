"""A load test as the engine sees it: its users over time, what each does, and what plays them."""

from engine.scenario.scenario import (
    FAST_HTTP_USER,
    MachineWishes,
    Measured,
    Protocol,
    RegionShare,
    Request,
    Scenario,
    UserClass,
)
from engine.scenario.tls import Tls

__all__ = [
    "FAST_HTTP_USER",
    "MachineWishes",
    "Measured",
    "Protocol",
    "RegionShare",
    "Request",
    "Scenario",
    "Tls",
    "UserClass",
]
