"""Injectors on paper: what a step would measure on a load engine of known appetite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from engine.calibrating.step import CalibrationStep
from engine.calibrating.steps import next_users

US_PER_S = 1_000_000


@dataclass(frozen=True)
class PaperInjector:
    """An engine that takes ``idle_us`` a second, and each user ``user_us`` more.

    Attributes:
        idle_us: Without users.
        user_us: Of each user.
        pace: Requests of a user a second.
        target_requests_per_s: More the target does not answer.
        held_up_from: With more users each makes one request less in a hundred for every tenth more
            of them, and takes so much less of the processor.
        noise: By how much each step in turn is off, as a factor.
    """

    idle_us: float = 5_000.0
    user_us: float = 250.0
    pace: float = 1.0
    target_requests_per_s: float = 1e9
    held_up_from: int = 1_000_000
    noise: Sequence[float] = (1.0,)

    def step(self, users: int, number: int = 0) -> CalibrationStep:
        """What ``users`` take; never more than one core."""
        held_up = 1 - 0.1 * max(0, users / self.held_up_from - 1)
        noise = self.noise[number % len(self.noise)]
        taken = (self.idle_us + users * self.user_us * held_up) * noise
        return CalibrationStep(
            users=users,
            processor_us_per_s=min(US_PER_S, round(taken)),
            memory_kib=50_000 + 40 * users,
            requests_per_s=min(users * self.pace * held_up, self.target_requests_per_s),
            failures_per_s=0.0,
            others_us_per_s=0,
        )

    def climb(self, users_max: int = 28_000) -> list[CalibrationStep]:
        """All steps that would be tried."""
        steps: list[CalibrationStep] = []
        while (users := next_users(steps, users_max)) is not None:
            steps.append(self.step(users, len(steps)))
        return steps


def failing(step: CalibrationStep, part: float) -> CalibrationStep:
    """The same step with a part of its requests failed."""
    return replace(step, failures_per_s=step.requests_per_s * part)
