"""The part of a rehearsed cloud that its caller rules: faults wanted, and calls recorded."""

from __future__ import annotations

from collections import deque

from providers.rehearsal.faults import ANY, STANDING, Fault, FaultKind, WireRequest

REQUESTS_KEPT = 2_000


class FaultInjector:
    """What goes wrong, and what has arrived.

    Attributes:
        requests: The last calls, oldest first.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._hits_left: list[int] = []
        self.requests: deque[WireRequest] = deque(maxlen=REQUESTS_KEPT)

    def add(self, fault: Fault) -> None:
        """From now on this goes wrong."""
        self._faults.append(fault)
        self._hits_left.append(fault.times)

    def clear(self) -> None:
        """From now on nothing goes wrong, and nothing has been recorded."""
        self._faults.clear()
        self._hits_left.clear()
        self.requests.clear()

    def take(self, action: str) -> Fault | None:
        """The passing fault that hits this call, if one does; it has one hit less then."""
        for index, fault in enumerate(self._faults):
            hits = fault.kind not in STANDING and fault.action in (action, ANY)
            if hits and self._hits_left[index] > 0:
                self._hits_left[index] -= 1
                return fault
        return None

    def shortage(self, machine_type: str) -> Fault | None:
        """The standing shortage of a machine type, if there is one."""
        for fault in self._faults:
            short = fault.kind is FaultKind.SHORT_CAPACITY
            if short and fault.machine_type in (machine_type, ANY):
                return fault
        return None

    def vcpu_limit(self, *, spot: bool) -> int | None:
        """How many vCPUs of a market may run in a region; None: as many as one likes."""
        limits = [
            one.available
            for one in self._faults
            if one.kind is FaultKind.VCPU_LIMIT and one.spot is spot
        ]
        return min(limits, default=None)
