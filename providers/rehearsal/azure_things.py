"""What a rehearsed Azure holds: resources by id, each with the times at which it comes and goes.

Nothing here runs by itself. A resource knows when it will be ready, seen and gone; what it is now
follows from the time at which somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from providers.rehearsal.hosts import Hosts

NEVER = float("inf")
RETRY_AFTER_S = 1
MACHINE = "virtualmachines"


class AzurePace(Struct, frozen=True):
    """How long a rehearsed Azure takes, in seconds of its own clock.

    Attributes:
        boot_s: Until a machine, a scale set or a network is ready.
        shutdown_s: Until a machine that is force-deleted is gone; ten times that without force.
        visible_s: From its creation until a machine is listed at all.
        linger_s: How long disks, interfaces and addresses outlive their machine.
        group_s: How long an empty group takes to go.
    """

    boot_s: float = 0.0
    shutdown_s: float = 0.0
    visible_s: float = 0.0
    linger_s: float = 0.0
    group_s: float = 0.0


@dataclass(slots=True)
class Thing:
    """A resource, or a resource group.

    Attributes:
        thing_id: As it was first written; ids are compared without case.
        body: What a GET shows, but for the state.
        ready_s: When its creation is done.
        visible_s: From when lists show it.
        gone_s: When its deletion is done.
        back_s: When its deletion fails.
        failure: Code and message, if its creation does not succeed.
    """

    thing_id: str
    body: dict[str, Any]
    ready_s: float = 0.0
    visible_s: float = 0.0
    gone_s: float = NEVER
    back_s: float = NEVER
    failure: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.thing_id.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """The part before the last, for example ``virtualMachines``."""
        return self.thing_id.split("/")[-2].lower()

    def state(self, now_s: float) -> str:
        """Azure's word for how far it has come."""
        if self.gone_s < NEVER or now_s < self.back_s < NEVER:
            return "Deleting"
        if now_s < self.ready_s:
            return "Creating"
        return "Failed" if self.failure else "Succeeded"

    def shown(self, now_s: float) -> dict[str, Any]:
        """As a GET shows it."""
        properties = {**self.body.get("properties", {}), "provisioningState": self.state(now_s)}
        return {**self.body, "id": self.thing_id, "name": self.name, "properties": properties}


@dataclass(slots=True)
class Operation:
    """A long-running operation: when it is done, and how."""

    done_s: float
    failure: tuple[str, str] | None = None

    def shown(self, now_s: float) -> dict[str, Any]:
        """As its address shows it."""
        if now_s < self.done_s:
            return {"status": "InProgress"}
        if self.failure is None:
            return {"status": "Succeeded"}
        code, message = self.failure
        return {"status": "Failed", "error": {"code": code, "message": message}}


@dataclass(slots=True)
class Holdings:
    """All resources of a subscription.

    Attributes:
        now_s: The rehearsed cloud's clock.
        pace: How fast things come and go.
        hosts: What runs on machines; None: nothing. One that shuts itself down stays, and would be
            billed on, until somebody deletes it: so it is on Azure.
    """

    now_s: Callable[[], float]
    pace: AzurePace
    hosts: Hosts | None = None
    _things: dict[str, Thing] = field(default_factory=dict)
    _operations: list[Operation] = field(default_factory=list)

    def go_on(self) -> None:
        """Boot what is ready by now, and forget what is gone."""
        now_s = self.now_s()
        held = self._held(now_s) if self.hosts is not None else frozenset()
        self._things = {
            key: one for key, one in self._things.items() if one.gone_s > now_s or key in held
        }

    def find(self, thing_id: str) -> Thing | None:
        """What has this id, if anything has."""
        return self._things.get(thing_id.lower())

    def put(self, thing: Thing) -> Thing:
        """From now on it exists."""
        self._things[thing.thing_id.lower()] = thing
        return thing

    def below(self, parent_id: str, kind: str | None = None) -> Iterator[Thing]:
        """What lies below an id, of one kind or of any."""
        beginning = f"{parent_id.lower()}/"
        for key, thing in list(self._things.items()):
            if key.startswith(beginning) and kind in (None, thing.kind):
                yield thing

    def groups(self) -> Iterator[Thing]:
        """All resource groups."""
        return (one for one in list(self._things.values()) if one.kind == "resourcegroups")

    def begin(self, done_s: float, failure: tuple[str, str] | None = None) -> int:
        """Remember an operation; its number."""
        self._operations.append(Operation(done_s, failure))
        return len(self._operations) - 1

    def operation(self, number: int) -> Operation | None:
        """The operation of a number, if there was one."""
        return self._operations[number] if 0 <= number < len(self._operations) else None

    def delete(self, thing: Thing, *, forced: bool) -> float:
        """Let a thing end, with what goes with it; when that is done."""
        shutdown_s = self.pace.shutdown_s * (1 if forced else 10)
        thing.gone_s = min(thing.gone_s, self.now_s() + shutdown_s)
        if self.hosts is not None and thing.kind == MACHINE:
            self.hosts.power_off(thing.name)
        return thing.gone_s

    def furnish(self, machine: Thing, custom_data: str) -> None:
        """Give a machine what it will boot; without hosts it stays empty."""
        if self.hosts is not None:
            self.hosts.define(machine.name, custom_data)

    def _held(self, now_s: float) -> frozenset[str]:
        """Machines on which something runs though their time is over, and their groups."""
        assert self.hosts is not None, "nothing runs without hosts"
        held: set[str] = set()
        for key, one in self._things.items():
            if one.kind != MACHINE:
                continue
            if one.state(now_s) == "Succeeded":
                self.hosts.power_on(one.name)
            elif one.gone_s <= now_s and not self.hosts.is_off(one.name):
                held |= {key, "/".join(key.split("/")[:5])}
        return frozenset(held)
