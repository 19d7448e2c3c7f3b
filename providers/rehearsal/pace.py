"""How rehearsed machines come and go: moto's do both at once, and nothing runs on them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from moto.ec2.models.instances import Instance

from providers.rehearsal.hosts import Hosts

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}


@dataclass(slots=True)
class Pace:
    """How long machines take to come and to go.

    Attributes:
        boot_s: From ``pending`` to ``running``.
        shutdown_s: From ``shutting-down`` to ``terminated``.
        visible_s: From the launch until a machine is described at all.
        hosts: What runs on them; None: nothing.
    """

    boot_s: float = 0.0
    shutdown_s: float = 0.0
    visible_s: float = 0.0
    hosts: Hosts | None = None
    _alive: dict[str, Instance] = field(default_factory=dict)
    _hidden: dict[str, float] = field(default_factory=dict)
    _due: list[tuple[float, Instance, str]] = field(default_factory=list)

    def boot(self, instance: Instance, user_data: str = "") -> None:
        """Let a machine that moto made running be unseen and pending first."""
        self._hidden[instance.id] = time.monotonic() + self.visible_s
        self._alive[instance.id] = instance
        if self.hosts is not None:
            self.hosts.define(instance.id, user_data)
        self._pass_through("pending", "running", instance, self.boot_s)

    def shut_down(self, instance: Instance) -> None:
        """Let a machine that moto terminated be shutting down first."""
        self._alive.pop(instance.id, None)
        if self.hosts is not None:
            self.hosts.power_off(instance.id)
        self._pass_through("shutting-down", "terminated", instance, self.shutdown_s)

    def is_visible(self, instance: Instance) -> bool:
        """Whether a machine is described yet."""
        return self._hidden.get(instance.id, 0.0) <= time.monotonic()

    def go_on(self) -> None:
        """Bring every machine to the state that it has reached by now."""
        now_s = time.monotonic()
        waiting = []
        for due_s, instance, state in self._due:
            if due_s > now_s or not self._can_become(state, instance):
                waiting.append((due_s, instance, state))
            else:
                _set_state(instance, state)
        self._due = waiting
        if self.hosts is not None:
            for machine_id in self.hosts.powered_themselves_off():
                instance = self._alive[machine_id]
                instance.terminate()
                self.shut_down(instance)

    def _can_become(self, state: str, instance: Instance) -> bool:
        """A machine runs once it is on, and is terminated once it is off."""
        if self.hosts is None:
            return True
        if state == "terminated":
            return self.hosts.is_off(instance.id)
        self.hosts.power_on(instance.id)
        return True

    def _pass_through(self, now: str, then: str, instance: Instance, duration_s: float) -> None:
        self._due = [one for one in self._due if one[1] is not instance]
        if duration_s > 0 or self.hosts is not None:
            _set_state(instance, now)
            self._due.append((time.monotonic() + duration_s, instance, then))


def _set_state(instance: Instance, state: str) -> None:
    instance._state.name = state  # noqa: SLF001 - moto offers no other way
    instance._state.code = STATE_CODES[state]  # noqa: SLF001 - moto offers no other way
