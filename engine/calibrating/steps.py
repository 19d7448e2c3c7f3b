"""Steps: a number of users held for a while on one processor core, and what that took of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from engine.calibrating.fit import US_PER_S, fit_processor
from engine.planning.capacity import PROCESSOR_CEILING_PERCENT

CEILING_PERCENT = PROCESSOR_CEILING_PERCENT
"""Of one processor core: the share by which injectors are sized."""

CEILING_US_PER_S = CEILING_PERCENT * US_PER_S // 100

FIRST_USERS = 10
CLEAR_PERCENT = 3.0
"""Below it the processor's own noise is as large as what is to be measured."""

GROWTH_MAX = 20
AIMS_PERCENT = (15.0, 30.0, 45.0, 60.0, 73.0)
"""Where the line is sampled; the last lies a little above the ceiling, to have crossed it."""

STEPS_MAX = 12
LAST_STEPS = 3
"""Of these, kept to cross the ceiling: noise and an engine that idles may take all others."""

CLOSER_PERCENT = 4.0
"""Aims this near to a step that was made already are not tried again."""

FAILURES_PERCENT_MAX = 5.0
PACE_PERCENT_MIN = 75.0
"""Of the first steps' requests per user: a slower pace means that the target holds users up."""


class CalibrationStep(Struct, frozen=True, forbid_unknown_fields=True):
    """What a number of users took, second by second on average.

    Attributes:
        users: Active all the time.
        processor_us_per_s: Processor time of the load engine in microseconds a second; all of one
            core is 1,000,000.
        memory_kib: Most memory that it held.
        requests_per_s: Requests that it made.
        failures_per_s: How many of them failed.
        others_us_per_s: Processor time of everything else on the machine.
    """

    users: int
    processor_us_per_s: int
    memory_kib: int
    requests_per_s: float
    failures_per_s: float
    others_us_per_s: int

    @property
    def processor_percent(self) -> float:
        """Of one core."""
        return 100 * self.processor_us_per_s / US_PER_S


def next_users(steps: Sequence[CalibrationStep], users_max: int) -> int | None:
    """How many users to try next; None: enough is known.

    First more and more until the processor shows them at all, then towards the ceiling, and a
    little beyond it.
    """
    if not steps:
        return min(FIRST_USERS, users_max)
    last = steps[-1]
    if len(steps) >= STEPS_MAX or last.users >= users_max or problem(steps) is not None:
        return None
    if max(step.processor_percent for step in steps) >= CEILING_PERCENT:
        return None
    if last.processor_percent < CLEAR_PERCENT:
        missing = CLEAR_PERCENT / max(last.processor_percent, CLEAR_PERCENT / GROWTH_MAX)
        return min(users_max, math.ceil(last.users * min(GROWTH_MAX, 2 * missing)))
    line = fit_processor(_clear(steps))
    # A tenth at least: fewer more are lost in the noise, and a line through that stands still.
    further = math.ceil(last.users * 1.1)
    is_late = len(steps) >= STEPS_MAX - LAST_STEPS
    for aim in AIMS_PERCENT[-1:] if is_late else AIMS_PERCENT:
        if last.processor_percent <= aim - CLOSER_PERCENT:
            return min(users_max, max(further, line.users_at(aim * US_PER_S / 100)))
    return min(users_max, further)


def problem(steps: Sequence[CalibrationStep]) -> str | None:
    """Why more users would say nothing about the injector; None: they would.

    Args:
        steps: At least one.
    """
    last = steps[-1]
    if last.requests_per_s <= 0:
        return f"no request was made by {last.users:,} users"
    failed_percent = 100 * last.failures_per_s / last.requests_per_s
    if failed_percent > FAILURES_PERCENT_MAX:
        return f"{failed_percent:.0f} % of the requests of {last.users:,} users failed"
    first = max(step.requests_per_s / step.users for step in steps)
    if last.requests_per_s / last.users * 100 < PACE_PERCENT_MIN * first:
        return (
            f"the target holds {last.users:,} users up: each makes "
            f"{last.requests_per_s / last.users:.2g} requests a second, {first:.2g} before"
        )
    return None


def counted(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    """The steps that say something: the processor shows the users, and the target keeps up."""
    clear = [step for n, step in enumerate(steps, 1) if problem(steps[:n]) is None]
    return [step for step in clear if step.processor_percent >= CLEAR_PERCENT] or clear


def _clear(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    return [step for step in steps if step.processor_percent >= CLEAR_PERCENT]
