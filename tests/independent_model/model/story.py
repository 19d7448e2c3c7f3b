"""A life as a story: how the account was opened, and what was then asked of it, step by step."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How an account begins.

    Attributes:
        at: When it is opened.
        timezone: Its IANA zone.
        plan: What it begins with.
        activated: The day on which it was activated elsewhere; None: when it is opened.
        card: What its card does: ``pays``, ``declines``, ``delays``.
        payment_days: How long the seller on record gives to pay; None: nobody is on record.
    """

    at: datetime
    timezone: str
    plan: str
    activated: date | None = None
    card: str = "pays"
    payment_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is asked of an account, after some time.

    Attributes:
        do: What: ``upgrade``, ``start``, ...
        wait_s: How long after the step before; counted from the next boundary where ``until`` is
            ``boundary``, and then perhaps below 0.
        until: ``boundary``: the next instant at which something happens by itself.
        plan: To which plan.
        amount: Of LI-minutes or micro-dollars.
        department: Whose.
        run: Which of the runs that it can be done to, counted round.
        injectors: Of a run.
        users: Of a run.
        duration_s: Of a run.
        how: What a card does from then on, or how a run ends.
    """

    do: str
    wait_s: int = 0
    until: str = ""
    plan: str = ""
    amount: int = 0
    department: str = ""
    run: int = 0
    injectors: int = 0
    users: int = 0
    duration_s: int = 0
    how: str = ""

    def __str__(self) -> str:
        """Only what differs from nothing."""
        said = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        ]
        return f"Step({', '.join(said)})"


@dataclass(frozen=True)
class Story:
    """All of one life."""

    opening: Opening
    steps: tuple[Step, ...]

    def without(self, first: int, count: int) -> Story:
        """The same life without some of its steps."""
        return replace(self, steps=self.steps[:first] + self.steps[first + count :])

    def __str__(self) -> str:
        """As Python that makes it again."""
        return "\n".join([f"{self.opening!r},", *(f"{step}," for step in self.steps)])


@dataclass(frozen=True, kw_only=True)
class RunTimes:
    """When what happened to a run: facts of the world, which the books follow.

    Attributes:
        charged_at: When its launch was intended.
        load_from: When load began to flow.
        cancelled_at: When its end was asked for.
        ended_at: When it was over.
        outcome: How it ended; empty: it goes on.
    """

    charged_at: datetime | None = None
    load_from: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
