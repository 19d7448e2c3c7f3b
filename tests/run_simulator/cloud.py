"""A cloud that keeps the providers' contract as badly as a real one may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NoReturn

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from providers.contract import LaunchSpec, Machine, MachineState
from providers.errors import (
    SPENT,
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)

VISIBLE_S_MAX = 25.0
"""Below the time that a run waits for a machine to show."""

LINGER_S_MAX = 90.0

LOOKS_MAX = 10
"""At machines whose release was forgotten, before whoever looks must have asked again."""


@dataclass
class Hidden:
    """A machine as the cloud itself knows it."""

    machine_id: str
    spec: LaunchSpec
    machine_type: str
    launched_at: datetime
    visible_at: datetime
    gone_at: datetime
    told: bool = False

    def machine(self) -> Machine:
        return Machine(
            machine_id=self.machine_id,
            run_id=self.spec.run_id,
            region=self.spec.region,
            machine_type=self.machine_type,
            state=MachineState.STOPPING if self.told else MachineState.RUNNING,
            launched_at=self.launched_at,
            expires_at=self.spec.expires_at,
        )


@dataclass
class SimulatedCloud:
    """Machines of a cloud that exists in this process only.

    Attributes:
        name: ``aws`` or ``azure``.
        chance: Decides what goes wrong.
        clock: The runs' clock.
        roughness: How likely each mishap is, from 0.
        mishaps: What went wrong so far, counted.
        before_call: Called before and after each call with its name; a controller may die there.
        shortness: How likely it is that a place has no machines left, whatever the roughness.
        violations: What no caller may ever do.
        dead_man: Whether machines end themselves at their expiry.
    """

    name: str
    chance: Random
    clock: Clock
    roughness: float
    mishaps: Counter[str]
    before_call: Callable[[str], None]
    shortness: float = 0.0
    violations: list[str] = field(default_factory=list)
    dead_man: bool = True
    _looks_since_forgetting: dict[str, int] = field(default_factory=dict)
    _machines: dict[str, Hidden] = field(default_factory=dict)
    _answers: dict[str, tuple[LaunchSpec, tuple[str, ...] | ProviderFailedError]] = field(
        default_factory=dict
    )

    def check(self, spec: LaunchSpec) -> None:
        del spec

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        self.before_call("before launch")
        self._may_fail("launch")
        answer = self._answer(spec)
        self.before_call("after launch")
        if self._happens("a launch's reply was lost", 0.5):
            self._lose("launch")
        if isinstance(answer, ProviderFailedError):
            raise answer
        found = [self._machines[each] for each in answer if self._exists(self._machines[each])]
        if not found:
            raise ConfigurationRejectedError("the machines of this token are gone")
        return tuple(each.machine() for each in found)

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        self.before_call("before observe")
        self._may_fail("observe")
        found = tuple(
            each.machine()
            for each in self._shown()
            if each.spec.run_id == run_id and each.spec.region in regions
        )
        self._count_looks(run_id, found)
        return found

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        self._may_fail("observe all")
        return tuple(each.machine() for each in self._shown() if each.spec.region in regions)

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        self._looks_since_forgetting.pop(run_id, None)
        self.before_call("before release")
        self._may_fail("release")
        if self._happens("a release was accepted and forgotten", 0.3):
            self._looks_since_forgetting[run_id] = 0
        else:
            for each in self._shown():
                if each.spec.run_id == run_id and each.spec.region in regions:
                    self._end(each)
        self.before_call("after release")
        if self._happens("a release's reply was lost", 0.5):
            self._lose("release")

    def _count_looks(self, run_id: str, found: Sequence[Machine]) -> None:
        """Whoever sees machines run on after their release asks for it again."""
        if run_id not in self._looks_since_forgetting or not any(each.is_up for each in found):
            return
        self._looks_since_forgetting[run_id] += 1
        if self._looks_since_forgetting[run_id] == LOOKS_MAX:
            self.violations.append(f"{run_id} looked {LOOKS_MAX} times at machines that run on")

    def left(self, run_id: str | None = None) -> list[str]:
        """Machines that exist, shown or not."""
        return [
            each.machine_id
            for each in self._machines.values()
            if self._exists(each) and run_id in (None, each.spec.run_id)
        ]

    def ever(self, run_id: str) -> int:
        """How many machines were ever launched for a run."""
        return sum(each.spec.run_id == run_id for each in self._machines.values())

    def lose_one(self, run_id: str) -> None:
        """One of the run's machines dies by itself."""
        for machine_id in self.left(run_id)[:1]:
            self.mishaps["a machine died"] += 1
            self._machines[machine_id].gone_at = self.clock.now()

    def _answer(self, spec: LaunchSpec) -> tuple[str, ...] | ProviderFailedError:
        """The same token always has the same answer."""
        if spec.token not in self._answers:
            self._answers[spec.token] = spec, self._try(spec)
        known, answer = self._answers[spec.token]
        if known != spec:
            self.violations.append(f"token {spec.token} came back with another request")
        return answer

    def _try(self, spec: LaunchSpec) -> tuple[str, ...] | ProviderFailedError:
        # Whether there are any is drawn only where there may be none: other lives stay as they are.
        none_left = bool(self.shortness) and self.chance.random() < self.shortness
        self.mishaps["none left"] += none_left
        if none_left or self._happens("no capacity", 0.5):
            return CapacityUnavailableError(f"{spec.region} has none", **{SPENT: True})
        if self._happens("no quota", 0.3):
            return QuotaExceededError(f"{spec.region}: 32 vCPUs", limit=32)
        if self._happens("throttled inside an answer", 0.3):
            return ThrottledError("rate exceeded", **{SPENT: True})
        count = spec.count
        if spec.min_count < spec.count and self._happens("a fleet in part", 2.0):
            count = self.chance.randint(spec.min_count, spec.count)
        return tuple(self._make(spec) for _ in range(count))

    def _make(self, spec: LaunchSpec) -> str:
        now = self.clock.now()
        lag_s = self.chance.uniform(0, VISIBLE_S_MAX) if self._happens("shown late", 1.0) else 0.0
        machine_id = f"{self.name}-{len(self._machines):05}"
        self._machines[machine_id] = Hidden(
            machine_id=machine_id,
            spec=spec,
            machine_type=self.chance.choice(spec.machine_types),
            launched_at=now,
            visible_at=now + timedelta(seconds=lag_s),
            gone_at=spec.expires_at if self.dead_man else now + timedelta(days=400),
        )
        return machine_id

    def _end(self, machine: Hidden) -> None:
        if machine.told:
            return
        machine.told = True
        linger_s = self.chance.uniform(0, LINGER_S_MAX) if self._happens("lingered", 1.0) else 0.0
        machine.gone_at = min(machine.gone_at, self.clock.now() + timedelta(seconds=linger_s))

    def _exists(self, machine: Hidden) -> bool:
        return self.clock.now() < machine.gone_at

    def _shown(self) -> list[Hidden]:
        now = self.clock.now()
        return [
            each
            for each in self._machines.values()
            if self._exists(each) and each.visible_at <= now
        ]

    def _may_fail(self, call: str) -> None:
        if self._happens(f"{call} throttled", 0.5):
            raise ThrottledError("rate exceeded")
        if self._happens(f"{call}: the request was lost", 0.5):
            self._lose(call)

    def _lose(self, call: str) -> NoReturn:
        raise UnknownOutcomeError(f"no answer to {call}")

    def _happens(self, mishap: str, weight: float) -> bool:
        happens = self.chance.random() < self.roughness * weight
        self.mishaps[mishap] += happens
        return happens
