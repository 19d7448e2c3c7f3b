"""What a controller sees of its run, kept for those who wait for the run in other processes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from engine.load.driver import LoadProgress


class Sighting(Struct, frozen=True):
    """How a run was at its controller's last look.

    Attributes:
        at: When, on the clock that the run lives by.
        machine_count: Machines that were there.
        progress: Of the load; None: it was not looked at, before its start and after its end.
        load_at_fault: The load failed of itself, at this look or at one before.
    """

    at: datetime
    machine_count: int
    progress: LoadProgress | None = None
    load_at_fault: bool = False
