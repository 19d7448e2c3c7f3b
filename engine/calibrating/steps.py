"""Steps: with how many users to go on, when enough is known, and which steps say something."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.calibrating.fit import fit_processor
from engine.calibrating.step import US_PER_S, CalibrationStep
from engine.load.pace import nothing_answered
from engine.planning.capacity import PROCESSOR_CEILING_PERCENT
from kernel.words import counted

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

MEMORY_STEPS_MIN = 2
"""Numbers of users that tell what they take from what the load engine takes without any."""

FAILURES_PERCENT_MAX = 5.0
PACE_PERCENT_MIN = 75.0
"""Of the first steps' requests per user: a slower pace means that the target holds users up."""

FULL_PACE_PERCENT = 95.0
"""Of the most requests per user: a target that holds users up by less than that, or luck."""


def next_users(steps: Sequence[CalibrationStep], users_max: int) -> int | None:
    """How many users to try next; None: enough is known.

    First more and more until the processor shows them at all, then towards the ceiling, and a
    little beyond it. Half as many where the first were as many as can be.
    """
    if not steps:
        return min(FIRST_USERS, users_max)
    last = steps[-1]
    if len(steps) >= STEPS_MAX or problem(steps) is not None:
        return None
    at_ceiling = max(step.processor_percent for step in steps) >= CEILING_PERCENT
    if at_ceiling or max(step.users for step in steps) >= users_max:
        # One number of users does not tell what the engine takes without any.
        is_wanted = len(steps) == 1 and last.users > 1 and last.processor_percent >= CLEAR_PERCENT
        return last.users // 2 if is_wanted else None
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
        return nothing_answered(last.begun, last.longest_wait_s)
    failed_percent = 100 * last.failures_per_s / last.requests_per_s
    if failed_percent > FAILURES_PERCENT_MAX:
        return f"{failed_percent:.0f} % of the requests of {counted(last.users, 'user')} failed"
    first = max(step.requests_per_s / step.users for step in steps)
    if last.requests_per_s / last.users * 100 < PACE_PERCENT_MIN * first:
        return (
            f"the target holds {counted(last.users, 'user')} up: each makes "
            f"{last.requests_per_s / last.users:.2g} requests a second, {first:.2g} before"
        )
    return None


def kept_up_steps(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    """The steps in which the target kept up with the users."""
    return [step for n, step in enumerate(steps, 1) if problem(steps[:n]) is None]


def telling_steps(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    """The steps that say something: the processor shows the users, and the target keeps up."""
    kept_up = kept_up_steps(steps)
    return [step for step in kept_up if step.processor_percent >= CLEAR_PERCENT] or kept_up


def full_pace_steps(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    """The telling steps whose users make requests as often as they can.

    A target that slows down a little still lets more users be tried; what they then take of the
    injector, and how often they make requests, is the target's doing. All telling steps where only
    one number of users came at full pace, since one draws no line.
    """
    telling = telling_steps(steps)
    fastest = max((step.requests_per_s / step.users for step in telling), default=0.0)
    full = [
        step
        for step in telling
        if step.requests_per_s / step.users * 100 >= FULL_PACE_PERCENT * fastest
    ]
    return full if len({step.users for step in full}) > 1 else telling


def too_little(steps: Sequence[CalibrationStep]) -> str | None:
    """Why the steps say nothing of many users; None: they do.

    What the load engine takes without users is told from what users take by two steps at least,
    and by one at least in which the processor shows them.
    """
    kept_up = kept_up_steps(steps)
    most_percent = max((step.processor_percent for step in kept_up), default=0.0)
    if most_percent < CLEAR_PERCENT:
        return (
            f"the users took {most_percent:.1f} % of a core at most, and {CLEAR_PERCENT:.0f} % are "
            "the least that says what one takes; measure more users (--users-at-most)"
        )
    if len({step.users for step in kept_up}) < MEMORY_STEPS_MIN:
        return (
            f"only {counted(kept_up[0].users, 'user')} could be measured, and two numbers of users "
            "are the least that tells users from the load engine itself; measure more users "
            "(--users-at-most), or of a test whose users do less at once"
        )
    return None


def _clear(steps: Sequence[CalibrationStep]) -> Sequence[CalibrationStep]:
    return [step for step in steps if step.processor_percent >= CLEAR_PERCENT]
