"""Fit: the straight line of processor time over users, and how well it holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from msgspec import Struct
from msgspec.structs import replace

from engine.calibrating.step import CalibrationStep


class FittedLine(Struct, frozen=True):
    """``idle_us_per_s + users * user_us_per_s``.

    Attributes:
        idle_us_per_s: What the load engine takes without users.
        user_us_per_s: What each user takes.
        r_squared: The part of the variation that the line explains, 0 to 1.
        error_percent: How far the step that lies furthest from the line is off, in percent of what
            the line says of it. Steps that the line was not drawn through are not looked at.
    """

    idle_us_per_s: float
    user_us_per_s: float
    r_squared: float
    error_percent: float

    def processor_us_at(self, users: int) -> float:
        """What so many users take in a second."""
        return self.idle_us_per_s + users * self.user_us_per_s

    def off_percent(self, step: CalibrationStep) -> float:
        """By how much a step lies above the line, in percent of what the line says of it."""
        expected = self.processor_us_at(step.users)
        return 100 * (step.processor_us_per_s - expected) / expected

    def users_at(self, processor_us_per_s: float) -> int:
        """Users that take so much."""
        return max(0, int((processor_us_per_s - self.idle_us_per_s) / self.user_us_per_s))


def fit_processor(steps: Sequence[CalibrationStep]) -> FittedLine:
    """The line through the steps.

    Each counts by its own size: what is measured is off by some percent of itself. A single step
    gives a line through nothing without users.

    Args:
        steps: At least one, and none without processor time.
    """
    users = [step.users for step in steps]
    taken = [step.processor_us_per_s for step in steps]
    slope, idle = _regression(users, taken, [1 / each**2 for each in taken])
    if idle < 0 or slope <= 0:
        # An engine does not run on less than nothing: the line goes through the origin.
        slope, idle = fmean([t / u for u, t in zip(users, taken, strict=True)]), 0.0
    apart = [t - idle - slope * each for t, each in zip(taken, users, strict=True)]
    variation = sum((each - fmean(taken)) ** 2 for each in taken)
    line = FittedLine(
        idle_us_per_s=idle,
        user_us_per_s=slope,
        r_squared=max(0.0, 1 - sum(each**2 for each in apart) / variation) if variation else 1.0,
        error_percent=0.0,
    )
    return replace(line, error_percent=max(abs(line.off_percent(step)) for step in steps))


def memory_kib_per_user(steps: Sequence[CalibrationStep]) -> int:
    """Memory of one user: how much more the engine holds with more of them; at least 1 KiB.

    Args:
        steps: Of two numbers of users at least; what the engine holds without any is no user's.
    """
    users, memory = [step.users for step in steps], [step.memory_kib for step in steps]
    slope, _ = _regression(users, memory, [1.0] * len(steps))
    return max(1, round(slope))


def users_measured_at(steps: Sequence[CalibrationStep], processor_us_per_s: float) -> int | None:
    """Users between the two steps around so much processor time; None: it was not reached."""
    for low, high in pairwise(sorted(steps, key=lambda step: step.users)):
        if low.processor_us_per_s < processor_us_per_s <= high.processor_us_per_s:
            missing = processor_us_per_s - low.processor_us_per_s
            part = missing / (high.processor_us_per_s - low.processor_us_per_s)
            return round(low.users + part * (high.users - low.users))
    return None


def _regression(
    xs: Sequence[float], ys: Sequence[float], weights: Sequence[float]
) -> tuple[float, float]:
    """Slope and intercept by weighted least squares; through the origin if all x are the same."""
    x_mean, y_mean = fmean(xs, weights), fmean(ys, weights)
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    if spread == 0:
        return y_mean / x_mean, 0.0
    together = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
    slope = together / spread
    return slope, y_mean - slope * x_mean
