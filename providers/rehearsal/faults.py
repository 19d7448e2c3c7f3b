"""What can be made to go wrong in a rehearsal, and what it records: values on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, convert

from kernel.plain import plain
from kernel.words import counted

ANY = "*"
# Calls below it are meant for the rehearsal, not for the cloud that it plays.
ADMIN_PATH = "/_rehearsal/"


class FaultKind(StrEnum):
    """The ways in which a cloud fails."""

    THROTTLING = "throttling"
    """The call is refused because there were too many."""
    REFUSAL = "refusal"
    """The call is refused with ``code``."""
    LOST_REQUEST = "lost request"
    """The connection breaks before anything was done."""
    LOST_REPLY = "lost reply"
    """What was asked is done, but the connection breaks before the answer."""
    LATE_FAILURE = "late failure"
    """Azure alone: what was asked is accepted, and fails with ``code`` some time later."""
    SHORT_CAPACITY = "short capacity"
    """A create call gives at most ``available`` machines of ``machine_type``; until cleared."""
    VCPU_LIMIT = "vCPU limit"
    """The account may run ``available`` vCPUs of a market in a region; until cleared."""


STANDING = frozenset({FaultKind.SHORT_CAPACITY, FaultKind.VCPU_LIMIT})


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is to go wrong.

    Attributes:
        kind: How.
        action: API call that it hits, such as ``CreateFleet``, or on Azure
            ``VirtualMachineScaleSets.CreateOrUpdate``; ``*``: any.
        times: How many calls it hits; a standing kind lasts until it is cleared.
        code: The error code that is answered; Azure answers its own word for the default.
        machine_type: Which type is short; ``*``: every one.
        available: How many machines, or vCPUs, there are.
        spot: A limit on spot machines, not on on-demand ones.
    """

    kind: FaultKind
    action: str = ANY
    times: int = 1
    code: str = "InsufficientInstanceCapacity"
    machine_type: str = ANY
    available: int = 0
    spot: bool = False

    def __str__(self) -> str:
        """As a test's name or a log line shows it."""
        match self.kind:
            case FaultKind.SHORT_CAPACITY:
                return f"{self.available} of {self.machine_type} available ({self.code})"
            case FaultKind.VCPU_LIMIT:
                return f"{self.kind} of {self.available}"
            case FaultKind.REFUSAL:
                return f"{self.action} refused with {self.code}, {counted(self.times, 'time')}"
            case FaultKind.LATE_FAILURE:
                return f"{self.action} fails late with {self.code}, {counted(self.times, 'time')}"
            case _:
                return f"{self.kind} of {self.action}, {counted(self.times, 'time')}"


class WireRequest(Struct, frozen=True):
    """A call as it arrived.

    Attributes:
        action: Name of the API call.
        service: For example ``ec2``.
        region: For which it was signed.
        parameters: Flat, as on the wire: ``TagSpecification.1.Tag.2.Key``; of Azure's calls
            ``method``, ``path``, ``query``, ``if-none-match`` and ``body``.
    """

    action: str
    service: str
    region: str
    parameters: Mapping[str, str]


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """A fault as it travels to the server."""
    document: dict[str, Any] = plain(fault)
    return document


def fault_from_json(document: Mapping[str, Any]) -> Fault:
    """A fault as it arrived at the server.

    Raises:
        ValidationError: It is something else.
    """
    return convert(document, Fault)
