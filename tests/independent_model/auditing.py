"""Many lives, on as many processes as there are; what differs is told as short as it can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.independent_model.lives import life
from tests.independent_model.model.story import Story
from tests.independent_model.playing import Difference, Ground, Tally, made_ground, play
from tests.independent_model.shrinking import shrink

LIVES_A_TASK = 10
SHOWN_MAX = 5
"""So many differences a task are shrunk; the others are counted."""


@dataclass(frozen=True)
class Plan:
    """Which lives.

    Attributes:
        seed: The same seed, the same lives.
        lives: How many.
        steps: Of each.
        whole_every: After how many steps all reports are compared, and not the account alone.
    """

    seed: int
    lives: int
    steps: int
    whole_every: int = 3


@dataclass
class Outcome:
    """What became of lives."""

    lives: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Put another's on top."""
        self.lives += other.lives
        self.steps += other.steps
        self.refusals += other.refusals
        self.differences += other.differences


def _to_nobody(_: str) -> None:
    pass


def audit_some(
    plan: Plan, first: int, count: int, tell: Callable[[str], None] = _to_nobody
) -> Outcome:
    """The lives from ``first`` on, in this process.

    Args:
        plan: Of which lives.
        first: The number of the first.
        count: How many.
        tell: Hears of each difference as it is found, before it is shrunk.
    """
    outcome, tally = Outcome(), Tally()
    with made_ground() as ground:
        for number in range(first, first + count):
            story = life(plan.seed, number, plan.steps)
            found = play(story, ground, tally, whole_every=plan.whole_every)
            outcome.lives += 1
            if found is not None:
                tell(_told(plan, number, story, found, None))
                may_shrink = len(outcome.differences) < SHOWN_MAX
                outcome.differences.append(
                    _told(plan, number, story, found, ground if may_shrink else None)
                )
    outcome.steps, outcome.refusals = tally.steps, tally.refusals
    return outcome


def audit(
    plan: Plan,
    processes: int,
    tell_so_far: Callable[[Outcome], None],
    tell: Callable[[str], None] = _to_nobody,
) -> Outcome:
    """All of the plan's lives.

    Args:
        plan: Which.
        processes: On how many.
        tell_so_far: Hears what came of the lives so far, after each few.
        tell: As ``audit_some`` has it; a function of a module, which all processes call.
    """
    outcome = Outcome()
    firsts = range(0, plan.lives, LIVES_A_TASK)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = [
            pool.submit(audit_some, plan, first, min(LIVES_A_TASK, plan.lives - first), tell)
            for first in firsts
        ]
        for task in tasks:
            outcome.add(task.result())
            tell_so_far(outcome)
    return outcome


def shortest(story: Story, found: Difference, ground: Ground) -> tuple[Story, Difference]:
    """The story with nothing in it that the difference does not need."""

    def differs(other: Story) -> bool:
        return play(other, ground) is not None

    short = shrink(story.without(found.step, len(story.steps)), differs)
    return short, play(short, ground) or found


def _told(plan: Plan, number: int, story: Story, found: Difference, ground: Ground | None) -> str:
    head = f"life {number} of seed {plan.seed} with {plan.steps} steps"
    if ground is None:
        return f"{head}, step {found.step}: {found.what}"
    short, difference = shortest(story, found, ground)
    return f"{head}, shrunk from {found.step} steps:\n{short}\n{difference.what}"
