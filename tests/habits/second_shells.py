"""What is said in second shells while a run goes on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.runs.model.states import Run
from tests.habits.ground import ACCOUNT, Home
from tests.habits.sessions import Deed, Habit

FIRST, SECOND, OTHER_TIME = "first", "second", "another-time"
"""Requests, as their ids name them."""

LOOKS_MAX = 2
LOOKS: Sequence[Sequence[str]] = (
    ("runs",),
    ("account", "show", ACCOUNT),
    ("account", "offers", ACCOUNT),
    ("account", "history", ACCOUNT),
    ("ledger", ACCOUNT),
    ("invoices", ACCOUNT),
    ("usage", ACCOUNT),
    ("advise", ACCOUNT, "--li-minutes", "60", "--runs", "3"),
    ("department", "list", ACCOUNT),
)


class Saying(Struct, frozen=True):
    """A command that somebody says.

    Attributes:
        kind: Of command; decides how it may end.
        arguments: After ``loadmuster``.
        request: That it is about, if it runs something.
    """

    kind: str
    arguments: tuple[str, ...]
    request: str = ""


def sayings(deed: Deed, home: Home, runs: Sequence[Run]) -> Iterator[Saying]:
    """What a habit says in second shells; nothing if it is no such habit, or there is no run yet.

    Args:
        deed: The habit, and the chance that decides the rest.
        home: Where.
        runs: That are on record, newest first.
    """
    match deed.habit:
        case Habit.SAY_AGAIN:
            yield said_run(home, FIRST)
        case Habit.SAY_ANOTHER:
            yield said_run(home, SECOND)
        case Habit.CANCEL if runs:
            yield said_cancel(home, runs[0])
        case Habit.REAP:
            yes = () if home.session.rehearsed else ("--yes",)
            reap = ("reap", "--json", "--older-than", "0", *yes)
            yield Saying("reap", (*home.now, *reap))
        case Habit.LOOK:
            for look in _looks(deed.chance, runs):
                yield Saying("look", (*home.now, *look))
        case Habit.LOOK_AT_ANOTHER_TIME:
            for look in _looks(deed.chance, ()):
                yield Saying("look at another time", (*home.wrong_clock, *look))
        case Habit.CHANGE_AT_ANOTHER_TIME:
            run = (*home.run(OTHER_TIME), "--yes")
            change = ("account", "boost", ACCOUNT) if deed.chance < 1 / 2 else run
            yield Saying("change at another time", (*home.wrong_clock, *change))


def said_run(home: Home, request: str) -> Saying:
    """``run``, as it is said again, or by another."""
    return Saying("run", (*home.now, *home.run(request), "--yes"), request)


def said_cancel(home: Home, run: Run) -> Saying:
    """``cancel``."""
    return Saying("cancel", (*home.now, "cancel", run.id))


def _looks(chance: float, runs: Sequence[Run]) -> Iterator[Sequence[str]]:
    """One or two reads, the first of them of the newest run, if there is one."""
    drawn = random.Random(chance)
    wanted = [*drawn.sample(LOOKS, drawn.randint(1, LOOKS_MAX))]
    if runs:
        wanted[0] = ("show", runs[0].id)
    for look in wanted:
        yield (*look, "--json") if drawn.random() < 1 / 2 else look
