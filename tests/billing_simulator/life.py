"""One account's timeline: what happens to it next, and when, all from its own random stream."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from engine.database import reading
from pricing.payments.gateway import DECLINES, DELAYS
from pricing.plans.model import Plan
from pricing.plans.quotes import quote_run
from pricing.tariffs import LoadSize
from tests.billing_simulator.books import read
from tests.billing_simulator.client import VIOLATIONS_MAX, Client
from tests.billing_simulator.commands import Command, Desk, Message
from tests.billing_simulator.model import GOOD, Account
from tests.billing_simulator.runs import Run, State, ending, giving_up, reserving, starting
from tests.billing_simulator.wishes import ON_DEMAND, draw_wish, plan_for

FIRST_PLANS = ("starter", "starter", "professional", "team", "basic", "trial", "on-demand")
ZONES = (
    "UTC",
    "Europe/Paris",
    "America/Los_Angeles",
    "America/Juneau",
    "America/Santiago",
    "Asia/Kolkata",
    "Africa/Cairo",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
)
BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)
DAYS_A_YEAR = 365
MINUTE = timedelta(minutes=1)


@dataclass
class Life:
    """An account from its opening to the end of the simulation.

    Attributes:
        next_at: When something happens to it next; None: its life is over.
        last_at: When its last command was answered.
        agenda: What is going to happen and when; the numbers keep the order of equal instants.
        asked_about: Keys of the payments that the gateway is going to answer.
    """

    client: Client
    random: Random
    years: int
    next_at: datetime | None
    last_at: datetime = BEGINNING
    agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    asked_about: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=count)

    @property
    def model(self) -> Account:
        return self.client.model

    @property
    def ends_at(self) -> datetime:
        return BEGINNING + timedelta(days=DAYS_A_YEAR * self.years)

    def happen(self) -> None:
        """The next thing, and when the one after it will be."""
        now = self.next_at
        assert now is not None
        if self.client.is_open:
            _, _, due = heapq.heappop(self.agenda)
            due(now)
        else:
            self._open(now)
        self._listen_for_payments(now)
        # Nothing else happens before the last attempt was answered.
        following = max(self.agenda[0][0], self.last_at)
        is_over = following > self.ends_at or self._is_lost
        self.next_at = None if is_over else following

    def finish(self) -> None:
        """The end: nothing waits any more, and the books are compared once again."""
        at = self.ends_at + timedelta(days=1)
        for run in self.runs:
            at = max(at, self.last_at)
            if run.state is State.WAITING and not self._is_lost:
                self._send(giving_up(self.client.account_id, run), at)
            elif run.state is State.STARTED and not self._is_lost:
                self._send(
                    ending(self.client.account_id, run, run.charged.startup, run.charged.use), at
                )
        self._send(self._desk().wait(), max(at, self.last_at))

    @property
    def _is_lost(self) -> bool:
        """Whether the model and the books have parted for good."""
        return len(self.client.tally.violations) >= VIOLATIONS_MAX

    def _open(self, now: datetime) -> None:
        desk, model = self._desk(), self.model
        model.card = self.random.choice([None, GOOD, GOOD, GOOD, DECLINES])
        administrators = self.random.choice([(), ("ann", "bob")])
        self._send(desk.opening(model, administrators), now)
        self._plan(now + MINUTE, self._live if self.client.is_open else lambda _at: None)

    def _live(self, now: datetime) -> None:
        """Whatever comes to the customer's mind, and again some time later."""
        self._send(self._anything(), now)
        self._plan(self._jump(now), self._live)

    def _send(self, command: Command, now: datetime) -> None:
        self.last_at = self.client.send(command, now)

    def _plan(self, at: datetime, what: Callable[[datetime], None]) -> None:
        heapq.heappush(self.agenda, (at, next(self._numbers), what))

    def _desk(self) -> Desk:
        return Desk(self.client.account_id, f"r{next(self._numbers)}")

    def _jump(self, now: datetime) -> datetime:
        """Uneven: minutes, days, months, or around the next boundary to the second."""
        kind, model = self.random.random(), self.model
        if model.deleted:
            return now + timedelta(days=self.random.randint(30, 300))
        if kind < 0.2:
            return now + timedelta(minutes=self.random.randint(0, 600))
        if kind < 0.65 or not model.is_monthly:
            return now + timedelta(minutes=self.random.randint(600, 40_000))
        if kind < 0.8:
            return now + timedelta(days=self.random.randint(28, 100))
        boundary = model.start_of(model.next_n)
        return max(now, boundary + timedelta(seconds=self.random.choice([-1, 0, 0, 1, 3600])))

    def _anything(self) -> Command:
        return draw_wish(self.random, self._desk(), self.model) or self._run()

    def _run(self) -> Command:
        """A run of any size, for the plan that the account is on, or now and then another."""
        chance, model = self.random, self.model
        plan: Plan = model.plan if chance.random() < 0.95 else plan_for(chance)
        largest = model.plan.caps.injectors or 120
        injectors = min(chance.choice([1, 1, 2, 3, 10, 40, 120]), chance.choice([largest, 120]))
        usage = LoadSize(
            injectors=injectors,
            users=injectors * chance.randint(1, 400),
            duration_s=chance.randint(30, 5_400),
        )
        department = chance.choice([None, *sorted(model.departments)])
        run = Run(
            f"{self.client.account_id}-{next(self._numbers)}",
            quote_run(plan, usage),
            quote_run(ON_DEMAND, usage),
            department,
        )
        reserved = reserving(self.client.account_id, run, self.runs)

        def effect(books: Account, at: datetime) -> None:
            reserved.effect(books, at)
            if run.answered != run.expected:
                what = f"set aside {run.answered}, the model {run.expected}"
                self.client.violation(reserved, what)
            self.runs.append(run)
            wait = chance.choice([1, 5, 90, 5_000, 60_000])
            self._plan(at + wait * MINUTE, lambda now: self._launch(run, now))

        return Command(reserved.kind, reserved.content, reserved.do, effect, reserved.foreseen)

    def _launch(self, run: Run, now: datetime) -> None:
        if self.random.random() < 0.15:
            self._send(giving_up(self.client.account_id, run), now)
            return
        self._send(starting(run), now)
        wait = self.random.choice([1, 30, 90, 3_000, 50_000])
        self._plan(now + wait * MINUTE, lambda at: self._end(run, at))

    def _end(self, run: Run, now: datetime) -> None:
        startup, use = run.charged.startup, run.charged.use
        if self.random.random() < 0.4:
            use = use * self.random.randint(0, 100) // 100
            startup = self.random.choice([startup, startup, startup, 0])
        self._send(ending(self.client.account_id, run, startup, use), now)

    def _listen_for_payments(self, now: datetime) -> None:
        """The gateway answers what it delayed: late, twice, out of order, or contradictorily."""
        if not self.model.is_overdue or self.model.card != DELAYS:
            return
        with reading(self.client.db) as conn:
            rows = read(
                conn,
                "SELECT cause FROM payments WHERE account_id = ? AND state = 'delayed'",
                self.client.account_id,
            )
        for key in sorted({str(row[0]) for row in rows} - self.asked_about):
            self.asked_about.add(key)
            answers = self.random.choices(["accepted", "declined"], [2, 1], k=2)
            for state in answers[: self.random.randint(1, 2)]:
                message = self._message(key, state)
                for _ in range(self.random.randint(1, 2)):
                    self.client.tally.faults["payment message, late or doubled"] += 1
                    late = timedelta(minutes=self.random.randint(1, 100_000))
                    self._plan(now + late, self._saying(message))

    def _message(self, key: str, state: str) -> Message:
        """About a payment of a run, or of a period of the subscription that runs now."""
        if key.startswith("run:"):
            return Message(key, state, self.model.subscriptions, run=key.removeprefix("run:"))
        return Message(key, state, self.model.subscriptions, n=int(key.rpartition(":")[2]))

    def _saying(self, message: Message) -> Callable[[datetime], None]:
        def say(now: datetime) -> None:
            self._send(self._desk().gateway_says(message), now)

        return say
