"""Staircase: a calibration as an ordinary run on one injector, whose users come in ever more steps.

Nobody can look at the machine of a cloud and choose the next number of users, so all are planned:
each twice as many as before. What the machine looked like meanwhile is in the run's result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from engine.calibrating.step import US_PER_S, CalibrationStep
from engine.calibrating.steps import CEILING_PERCENT, FIRST_USERS
from engine.load.driver import Look, UnrunnableScenarioError
from engine.load.sliced.work import measure_window_s
from engine.load.verdict import CPU_PERCENT_MAX
from engine.load_engines import LOAD_ENGINES
from engine.planning.requirement import Requirement
from engine.scenario import RegionShare, Scenario
from engine.scenario.profile import closed
from kernel.words import counted

STEPS_MAX = 6
BEYOND = 2
"""Times the users of an injector at best."""

BEYOND_EXPECTED = 4
"""Times those that it is expected to carry: the line foretells the rest, and a target is spared."""

_ROUNDS = 12


class Staircase(Struct, frozen=True):
    """Numbers of users, and how long each is held.

    Attributes:
        users: Of all the injector's processors, rising.
        settle_s: From the start of a step until all users are at their pace.
        step_s: Each step; it holds at least one whole window of measurement after that.
    """

    users: tuple[int, ...]
    settle_s: float
    step_s: float

    def played_by(self, test: Scenario) -> Scenario:
        """The test's users on one injector, in its first region, up the stairs."""
        points = [
            (at * self.step_s, users)
            for number, users in enumerate(self.users)
            for at in (number, number + 1)
        ]
        return replace(
            test,
            profile=closed(points),
            regions=tuple(RegionShare(each.region) for each in test.regions[:1]),
            injectors=None,
            users_per_injector=self.users[-1],
            reference_injector=False,
        )


class Climb(Struct, frozen=True):
    """A calibration on a cloud, before anything is launched.

    Attributes:
        test: Whose users are measured.
        provider: Whose machine plays them.
        stairs: How many of them, and for how long.
    """

    test: Scenario
    provider: str
    stairs: Staircase

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self.stairs.played_by(self.test)


def check_takes_steps(test: Scenario) -> None:
    """Refuse a load engine that is told the most users only.

    Raises:
        UnrunnableScenarioError: With where it can be calibrated.
    """
    if not LOAD_ENGINES[test.load_engine].follows_shape:
        raise UnrunnableScenarioError(
            f"load_engine: {test.load_engine} is told the most users and a duration, and no steps; "
            "calibrate it on this computer, without --provider"
        )


def staircase(
    requirement: Requirement, settle_s: float, window_s: float, users_max: int
) -> Staircase:
    """Up to four times the users that a standard injector is to carry, in doublings.

    Or up to twice those that it may carry at best, if these are fewer.

    Args:
        requirement: Of the test.
        settle_s: From the start of a step until all users are at their pace.
        window_s: What is measured of each step, at least.
        users_max: At most so many users.
    """
    top = min(
        users_max,
        BEYOND * requirement.at_least.users_per_injector,
        BEYOND_EXPECTED * requirement.users_per_injector,
    )
    downwards = [top]
    while len(downwards) < STEPS_MAX and downwards[-1] // 2 >= FIRST_USERS:
        downwards.append(downwards[-1] // 2)
    if len(downwards) == 1 and top > 1:
        # One number of users does not tell what the load engine takes without any.
        downwards.append(top // 2)
    users = tuple(reversed(downwards))
    step_s = math.ceil(settle_s + window_s)
    for _ in range(_ROUNDS):
        # A step has one window for certain where two of them fit.
        least_s = math.ceil(settle_s + 2 * measure_window_s(step_s * len(users)))
        if step_s >= least_s:
            break
        step_s = least_s
    return Staircase(users, settle_s, float(step_s))


def steps_of(stairs: Staircase, looks: Sequence[Look], cores: int) -> tuple[CalibrationStep, ...]:
    """What each number of users took of one processor core.

    Steps in which the machine had nothing left are not told: what they wanted is not known.

    Args:
        stairs: What was played.
        looks: At the machine that played it.
        cores: Its processors.
    """
    return tuple(
        step for step in _steps(stairs, looks, cores) if step.processor_percent <= CPU_PERCENT_MAX
    )


def note_on(stairs: Staircase, steps: Sequence[CalibrationStep]) -> str:
    """Why no step reached the ceiling; empty: one did."""
    if any(step.processor_percent >= CEILING_PERCENT for step in steps):
        return ""
    if len(steps) < len(stairs.users):
        more = stairs.users[len(steps)]
        return f"with {counted(more, 'user')} the injector had no processor time left"
    return f"it was tried with {counted(stairs.users[-1], 'user')} at most; try --users-at-most"


def _steps(stairs: Staircase, looks: Sequence[Look], cores: int) -> Iterator[CalibrationStep]:
    for number, users in enumerate(stairs.users):
        begin_s = number * stairs.step_s
        within = [
            look
            for look in looks
            if begin_s + stairs.settle_s <= look.at_s <= begin_s + stairs.step_s
        ]
        if len(within) < 2:  # noqa: PLR2004 - a difference
            return
        first, last = within[0], within[-1]
        length_s = (last.at_s - first.at_s) * cores
        yield CalibrationStep(
            users=max(1, round(users / cores)),
            processor_us_per_s=round((last.busy_s - first.busy_s) / length_s * US_PER_S),
            memory_kib=last.memory_bytes // 1_024 // cores,
            requests_per_s=(last.requests - first.requests) / length_s,
            failures_per_s=(last.failures - first.failures) / length_s,
            others_us_per_s=0,
        )
