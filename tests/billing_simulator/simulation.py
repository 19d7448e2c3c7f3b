"""Accounts side by side in database files, time going on for all of them, and what came of it."""

from __future__ import annotations

import heapq
import multiprocessing
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import Engine, event

from engine.database import open_database, reading
from tests.billing_simulator.books import digest
from tests.billing_simulator.client import Client, Tally
from tests.billing_simulator.crashes import Crashes
from tests.billing_simulator.invariants import broken
from tests.billing_simulator.life import BEGINNING, FIRST_PLANS, ZONES, Life
from tests.billing_simulator.model import Account
from tests.billing_simulator.wishes import ON_DEMAND, PLANS

ACCOUNTS_A_DATABASE = 25
STEPS_BETWEEN_CHECKS = 500
CHANNELS = ("card",) * 8 + ("invoice", "aws-marketplace")


@dataclass(frozen=True)
class Plan:
    """What is simulated; two simulations of one plan are equal."""

    seed: int
    accounts: int
    years: int


@dataclass
class Outcome:
    """What came of some accounts.

    Attributes:
        digests: Of what each account did and of its journal, by its number.
    """

    months: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    digests: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, tally: Tally) -> None:
        """One more account."""
        self.commands += tally.commands
        self.faults += tally.faults
        self.refusals += tally.refusals
        self.violations += tally.violations

    def merge(self, other: Outcome) -> None:
        """More accounts."""
        self.months += other.months
        self.commands += other.commands
        self.faults += other.faults
        self.refusals += other.refusals
        self.violations += other.violations
        self.digests |= other.digests


def simulate(
    plan: Plan, *, processes: int = 1, tell: Callable[[Outcome], None] = lambda _so_far: None
) -> Outcome:
    """Simulate all accounts, so many database files at a time.

    Args:
        plan: What is simulated.
        processes: How many files at a time.
        tell: Is told what came of all accounts so far, whenever a file is done.
    """
    numbers = range(plan.accounts)
    groups = [
        numbers[first : first + ACCOUNTS_A_DATABASE]
        for first in range(0, plan.accounts, ACCOUNTS_A_DATABASE)
    ]
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="lm-simulator-") as folder:
        template = Path(folder) / "empty.db"
        open_database(f"sqlite:///{template}").dispose()
        run = partial(_run_group, plan, template)
        for part in _map(run, groups, processes):
            outcome.merge(part)
            tell(outcome)
    return outcome


def replay(plan: Plan, account: int) -> Outcome:
    """One account of a simulation again, alone in its database."""
    with tempfile.TemporaryDirectory(prefix="lm-simulator-") as folder:
        template = Path(folder) / "empty.db"
        open_database(f"sqlite:///{template}").dispose()
        return _run_group(plan, template, [account])


def _map(
    run: partial[Outcome], groups: Sequence[Sequence[int]], processes: int
) -> Iterable[Outcome]:
    if processes == 1:
        yield from map(run, groups)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(run, groups)


def _run_group(plan: Plan, template: Path, numbers: Sequence[int]) -> Outcome:
    """The accounts of one database, each step that of the account whose turn comes first."""
    file = template.with_name(f"accounts-{numbers[0]}.db")
    shutil.copy(template, file)
    db = open_database(f"sqlite:///{file}")
    _without_fsync(db)
    crashes = Crashes(db)
    lives = {number: _life(plan, number, db, crashes) for number in numbers}
    outcome = Outcome(months=12 * plan.years * len(numbers))
    turns = [(life.next_at, number) for number, life in lives.items()]
    heapq.heapify(turns)
    steps = 0
    while turns:
        _, number = heapq.heappop(turns)
        life = lives[number]
        life.happen()
        if life.next_at is not None:
            heapq.heappush(turns, (life.next_at, number))
        steps += 1
        if steps % STEPS_BETWEEN_CHECKS == 0:
            outcome.violations += _broken(db, f"after {steps} steps of accounts {numbers}")
    for life in lives.values():
        life.finish()
    outcome.violations += _broken(db, f"at the end of accounts {numbers}")
    with reading(db) as conn:
        for number, life in lives.items():
            outcome.add(life.client.tally)
            journal = digest(conn, life.client.account_id)
            outcome.digests[number] = (life.client.trace, journal)
    db.dispose()
    file.unlink()
    return outcome


def _broken(db: Engine, when: str) -> list[str]:
    with reading(db) as conn:
        return [f"{when}: {each}" for each in broken(conn)]


def _life(plan: Plan, number: int, db: Engine, crashes: Crashes) -> Life:
    """An account with everything about it drawn from its own random stream."""
    random = Random(f"{plan.seed}:{number}")
    channel = random.choice(CHANNELS)
    first = PLANS[random.choice(FIRST_PLANS)]
    if first is ON_DEMAND and channel == "aws-marketplace":
        first = PLANS["starter"]
    opens_at = BEGINNING + _opening_offset(random)
    activated = opens_at
    if random.random() < 0.25:
        activated = datetime(random.randint(2019, 2023), 10, 1, 12, tzinfo=UTC)
        activated += timedelta(hours=random.randint(0, 24 * 60))
    model = Account(random.choice(ZONES), activated, first, None, channel)
    client = Client(db, crashes, f"account-{number}", model, random)
    return Life(client, random, plan.years, opens_at)


def _opening_offset(random: Random) -> timedelta:
    """Half of all accounts open on the last days of a month, at any hour."""
    days = random.randint(0, 89)
    if random.random() < 0.5:
        days = random.choice([27, 28, 29, 30, 57, 58, 86, 87, 88, 89])
    return timedelta(days=days, minutes=random.randint(0, 24 * 60 - 1))


def _without_fsync(db: Engine) -> None:
    """Here processes die, not machines."""

    @event.listens_for(db, "connect")
    def relax(connection: object, _entry: object) -> None:
        connection.execute("PRAGMA synchronous = OFF").close()  # type: ignore[attr-defined]

    # Connections from before are strict.
    db.dispose()
