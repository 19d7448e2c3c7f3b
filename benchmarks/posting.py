"""The ledger's postings a second against the same rows through bare SQLAlchemy Core.

Both write into books of the same kind with the same tables, indexes and triggers, flush every
commit, and are measured in turn. The ledger's side does what a command does: it locks the books,
checks that each transaction balances and is written once, and keeps the snapshots of balances.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import Connection, Engine

from benchmarks.databases import New, databases
from benchmarks.measure import Figure, seconds, shown
from engine.database import transaction
from pricing.accounts.opening import open_account
from pricing.ledger.balances import fold
from pricing.ledger.ledger import Posting, Transaction, lock_ledger, post, post_all
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit
from pricing.tables import POSTINGS, TRANSACTIONS

ACCOUNT = "acme"
NOW = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
POSTINGS_EACH = 3
"""Of a run's charge: the receivable, the start-up line and the use line."""

Write = Callable[[Connection, Sequence[int]], object]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: rounds in turn, and commits a round, single and in batches."""

    rounds: int = 25
    single_commits: int = 40
    batch_commits: int = 4
    batch: int = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """What one side did."""

    commits_s: tuple[float, ...]
    batch: int

    @property
    def per_s(self) -> float:
        """Postings a second."""
        return POSTINGS_EACH * self.batch * len(self.commits_s) / sum(self.commits_s)

    def __str__(self) -> str:
        p99_s = statistics.quantiles(self.commits_s, n=100)[-1]
        return f"{self.per_s:,.0f}/s, p99 {shown(p99_s)}"


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """Single and in batches, on both kinds of database."""
    with databases() as kinds:
        return [
            figure
            for kind, new in kinds.items()
            for figure in _figures_of(kind, new, sizes or Sizes())
        ]


def _figures_of(kind: str, new: New, sizes: Sizes) -> list[Figure]:
    ledger, bare = _books(new), _books(new)
    found = []
    for name, batch, commits, by_ledger in (
        ("one transaction a commit", 1, sizes.single_commits, _post_one),
        (f"{sizes.batch} a commit", sizes.batch, sizes.batch_commits, _post_batch),
    ):
        numbers = {side: count(batch * 1_000_000) for side in (ledger, bare)}
        sides: tuple[tuple[Engine, Write], ...] = ((ledger, by_ledger), (bare, _insert))
        rounds: list[list[list[float]]] = [
            [
                [
                    _commit(db, write, [next(numbers[db]) for _ in range(batch)])
                    for _ in range(commits)
                ]
                for db, write in sides
            ]
            for _ in range(sizes.rounds + 1)
        ][1:]
        ours, theirs = (
            Rate(tuple(each for pair in rounds for each in pair[side]), batch) for side in (0, 1)
        )
        ratio = statistics.median(sum(pair[1]) / sum(pair[0]) for pair in rounds)
        found.append(
            Figure(
                f"postings, {name}, {kind}",
                str(ours),
                f"bare SQLAlchemy Core, {theirs}",
                ratio,
                "at least 0.8",
            )
        )
    return found


def _books(new: New) -> Engine:
    db = new()
    with transaction(db) as conn:
        plan = load_plans(BUNDLED_PLANS)["on-demand"]
        open_account(conn, ACCOUNT, plan, timezone="UTC", now=NOW, gateway=REHEARSED_GATEWAY)
    return db


def _commit(db: Engine, write: Write, numbers: Sequence[int]) -> float:
    def commit() -> None:
        with transaction(db) as conn:
            write(conn, numbers)

    return seconds(commit)


def _charge(number: int) -> Transaction:
    return Transaction(
        account_id=ACCOUNT,
        natural_key=f"run:r{number}:start",
        cause=f"run:r{number}",
        description=f"r{number}, 60 LI-minutes by tariff on-demand of 2026-01-01",
        effective_at=NOW,
        recorded_at=NOW,
        postings=(
            Posting("receivable", Unit.USD, 9_000_000),
            Posting("revenue:start-up", Unit.USD, -7_500_000),
            Posting("revenue:use", Unit.USD, -1_500_000),
        ),
    )


def _post_one(conn: Connection, numbers: Sequence[int]) -> None:
    lock_ledger(conn, ACCOUNT)
    fold(conn, ACCOUNT)
    for number in numbers:
        post(conn, _charge(number))


def _post_batch(conn: Connection, numbers: Sequence[int]) -> None:
    lock_ledger(conn, ACCOUNT)
    fold(conn, ACCOUNT)
    post_all(conn, [_charge(number) for number in numbers])


def _insert(conn: Connection, numbers: Sequence[int]) -> None:
    """The same rows, with nothing looked at."""
    headers = [
        {
            "account_id": ACCOUNT,
            "natural_key": f"run:r{number}:start",
            "cause": f"run:r{number}",
            "description": f"r{number}, 60 LI-minutes by tariff on-demand of 2026-01-01",
            "effective_at": NOW,
            "recorded_at": NOW,
        }
        for number in numbers
    ]
    statement = TRANSACTIONS.insert().returning(TRANSACTIONS.c.id, sort_by_parameter_order=True)
    ids = conn.execute(statement, headers if len(headers) > 1 else headers[0]).scalars().all()
    lines = (
        ("receivable", 9_000_000),
        ("revenue:start-up", -7_500_000),
        ("revenue:use", -1_500_000),
    )
    conn.execute(
        POSTINGS.insert(),
        [
            {
                "transaction_id": transaction_id,
                "account_id": ACCOUNT,
                "ledger_account": name,
                "unit": Unit.USD,
                "amount": amount,
            }
            for transaction_id in ids
            for name, amount in lines
        ],
    )
