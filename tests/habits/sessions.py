"""What a session is made of: drawn from a seed, instants as states of its run."""

from __future__ import annotations

import random
from enum import StrEnum

from msgspec import Struct

from engine.runs.model.states import RunState

PLANS = ("on-demand", "starter", "professional", "trial")
PROVIDERS = ("local", "aws", "azure")
START_UP = "start-up"
"""In place of a state: counted from the start of the command."""

STATES: tuple[str, ...] = (
    START_UP,
    RunState.ACCEPTED,
    RunState.LAUNCHING,
    RunState.STARTING,
    RunState.RUNNING,
    RunState.RELEASING,
)
DELAY_S_MAX = 0.6
HABITS_MAX = 4
COLD = 0.12
TEST_CLOCK = 0.25
YES = 0.5
ANSWERS = ("y\n", "y\n", "y\n", "y\n", "n\n", "\x04")
SIZES = ((24, 80), (40, 132), (10, 40), (3, 20))
TINY = ((0, 0), (1, 1), (1, 200), (60, 2), (2, 9))


class Screen(StrEnum):
    """Where a command's output goes."""

    TERMINAL = "terminal"
    PIPE = "pipe"
    HEAD = "| head"
    FILE = "> file"
    FULL = "> /dev/full"
    NO_OUTPUT = ">&-"
    NO_ERRORS = "2>&-"
    NEITHER = ">&- 2>&-"


class Manner(StrEnum):
    """Who drives the run."""

    HERE = ""
    DETACHED = "--detach"
    QUEUED = "--queue"


class Habit(StrEnum):
    """What somebody does."""

    CLOSE = "close the terminal"
    CTRL_C = "Ctrl-C"
    CTRL_C_TWICE = "Ctrl-C twice"
    SUSPEND = "suspend and go on"
    SUSPEND_AND_CLOSE = "suspend and close the terminal"
    RESIZE = "make the window tiny"
    TERMINATE = "SIGTERM"
    KILL = "SIGKILL"
    SAY_AGAIN = "the same again in a second shell"
    SAY_ANOTHER = "another run in a second shell"
    CANCEL = "cancel in a second shell"
    LOOK = "look"
    LOOK_AT_ANOTHER_TIME = "look under a wrong clock"
    CHANGE_AT_ANOTHER_TIME = "change under a wrong clock"
    WATCH = "watch for a moment"
    REAP = "reap"
    SERVE = "serve for a moment"
    FILL_DISK = "fill the disk"


class Finisher(StrEnum):
    """Who ends what is still open."""

    SERVE = "serve"
    CANCEL = "cancel"
    AGAIN = "the same again"


class Deed(Struct, frozen=True):
    """One habit at one instant.

    Attributes:
        habit: What is done.
        state: Once the run is in that state or beyond it; ``START_UP``: once the command starts.
        after_s: So long after that.
        chance: Decides what the habit leaves open.
    """

    habit: Habit
    state: str
    after_s: float
    chance: float


class Session(Struct, frozen=True):
    """One session from its first command on.

    Attributes:
        number: Of the seed.
        plan: Of the account.
        provider: Where the run goes; on clouds it is rehearsed.
        test_clock: The account lives on one.
        screen: Of the first command.
        size: Rows and columns of its terminal.
        manner: Who drives the run.
        answer: What is typed at the question; None: ``--yes`` was said.
        cold: The commands are not forked from a process that has imported them.
        custom: A load engine that is a program of its own, instead of Locust; here only.
        deeds: In the order of their instants.
        finisher: Who ends what is open.
        speed: Of a rehearsal: ten minutes in a second and a half.
    """

    number: int
    plan: str
    provider: str
    test_clock: bool
    screen: Screen
    size: tuple[int, int]
    manner: Manner
    answer: str | None
    cold: bool
    custom: bool
    deeds: tuple[Deed, ...]
    finisher: Finisher
    speed: int = 400

    @property
    def fills_disk(self) -> bool:
        """Its home is on a small disk."""
        return any(deed.habit is Habit.FILL_DISK for deed in self.deeds)

    @property
    def rehearsed(self) -> bool:
        """Its machines are nobody's."""
        return self.provider != "local"


def session_of(seed: int, number: int) -> Session:
    """The session of that number; each habit meets each provider, in turn."""
    chance = random.Random(f"{seed}/{number}")
    habits = [*Habit]
    wanted = [habits[number % len(habits)]]
    wanted += chance.choices(habits, k=chance.randint(0, HABITS_MAX - 1))
    return Session(
        number=number,
        plan=chance.choice(PLANS),
        provider=PROVIDERS[(number + number // len(habits)) % len(PROVIDERS)],
        test_clock=chance.random() < TEST_CLOCK,
        screen=_screen(chance, wanted),
        size=chance.choice(SIZES),
        manner=chance.choices([*Manner], weights=(10, 1, 1))[0],
        answer=None if chance.random() < YES else chance.choice(ANSWERS),
        cold=chance.random() < COLD,
        custom=chance.random() < 1 / 2,
        deeds=tuple(sorted((_deed(chance, habit) for habit in wanted), key=_instant)),
        finisher=chance.choice([*Finisher]),
    )


def _screen(chance: random.Random, wanted: list[Habit]) -> Screen:
    if wanted[0] in {Habit.RESIZE, Habit.SUSPEND, Habit.SUSPEND_AND_CLOSE}:
        return Screen.TERMINAL
    drawn: list[Screen] = chance.choices([*Screen], weights=(8, 2, 2, 1, 1, 1, 1, 1))
    return drawn[0]


def _deed(chance: random.Random, habit: Habit) -> Deed:
    return Deed(habit, chance.choice(STATES), chance.uniform(0, DELAY_S_MAX), chance.random())


def _instant(deed: Deed) -> tuple[int, float]:
    return STATES.index(deed.state), deed.after_s
