"""A month's end: many accounts renewed by the sweep, against as many one by one.

Each round renews one month of every account. The sweep and the single commands take turns, in books
of their own on the same kind of database, and the ratio is that of the times an account; memory is
that of a process of its own for each number of accounts, so that the one does not inherit the
other's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import psutil
from sqlalchemy import Engine

from benchmarks.databases import New, databases
from benchmarks.measure import Figure, seconds
from engine.commands.account_upkeep import workers_on
from engine.database import open_database, transaction
from pricing.accounts.sweep import advance_all, advance_one
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.file import plan_to_json
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.tables import ACCOUNTS, SUBSCRIPTIONS, TERMS, insert_many, new_ids

ROOT = Path(__file__).resolve().parent.parent
OPENED = datetime(2027, 1, 1, 9, 15, tzinfo=UTC)
DAY = date(2027, 1, 1)
PLANS = ("starter", "professional", "advanced", "team")
"""Of the last, every month's credits expire with it."""

ZONES = ("Europe/Paris", "UTC", "Asia/Tokyo", "America/New_York")
WRITTEN_AT_ONCE = 5_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of accounts, and of months that are measured."""

    together: int = 20_000
    one_by_one: int = 200
    months: int = 3
    many: int = 100_000
    few: int = 10_000


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """Accounts a second on both kinds of database; how long many take, and in what memory."""
    wanted = sizes or Sizes()
    with databases() as kinds:
        found = [_speed(kind, new, wanted) for kind, new in kinds.items()]
    few, many = _measured(wanted.few), _measured(wanted.many)
    million_min = many["s"] / wanted.many * MILLION / 60
    return [
        *found,
        Figure(
            f"a month's end of {wanted.many:,} accounts on SQLite, {wanted.many / many['s']:,.0f}"
            " accounts/s",
            f"{many['s']:.0f} s, a million at that pace {million_min:.1f} min",
            f"{wanted.few:,} accounts, {wanted.few / few['s']:,.0f} accounts/s",
            (many["s"] / wanted.many) / (few["s"] / wanted.few),
            "aim: a million in 5 min",
        ),
        Figure(
            f"memory at the end of {wanted.many:,} accounts (it grew by {many['grown_mib']:.1f})",
            f"{many['mib']:.1f} MiB",
            f"{wanted.few:,} accounts, {few['mib']:.1f} MiB (it grew by {few['grown_mib']:.1f})",
            many["mib"] / few["mib"],
            "at most 1.05",
        ),
    ]


def _speed(kind: str, new: New, sizes: Sizes) -> Figure:
    together, alone = new(), new()
    _open_accounts(together, sizes.together)
    _open_accounts(alone, sizes.one_by_one)
    _sweep(together, _month(0))
    _sweep(alone, _month(0))
    each_s: list[tuple[float, float]] = []
    for number in range(1, sizes.months + 1):
        at = _month(number)
        swept_s = seconds(partial(_sweep, together, at)) / sizes.together
        each_s.append((swept_s, seconds(partial(_one_by_one, alone, at)) / sizes.one_by_one))
    ratios = [one / swept for swept, one in each_s]
    return Figure(
        f"a month's end of {sizes.together:,} accounts, {kind}, times faster than one by one"
        f" ({min(ratios):.0f} to {max(ratios):.0f})",
        f"{1 / statistics.median(swept for swept, _ in each_s):,.0f} accounts/s",
        f"one by one, {1 / statistics.median(one for _, one in each_s):,.0f} accounts/s",
        statistics.median(ratios),
        "at least 10",
    )


def _sweep(db: Engine, at: datetime) -> None:
    every = advance_all(
        partial(transaction, db), at, workers=workers_on(db), gateway=REHEARSED_GATEWAY
    )
    failed = [each.account_id for each in every if each.failure is not None]
    assert not failed, failed[:3]


def _one_by_one(db: Engine, at: datetime) -> None:
    with db.connect() as conn:
        ids = conn.execute(ACCOUNTS.select().with_only_columns(ACCOUNTS.c.id)).scalars().all()
    for account_id in ids:
        done = advance_one(partial(transaction, db), account_id, at, gateway=REHEARSED_GATEWAY)
        assert done.failure is None, done


def _month(number: int) -> datetime:
    """The second day of a month, when every account's period has begun."""
    year, month = divmod(number, 12)
    return OPENED.replace(year=OPENED.year + year, month=month + 1, day=2)


def _measured(accounts: int) -> dict[str, float]:
    """What ``main`` says in a process of its own."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.advancing", str(accounts)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    measured: dict[str, float] = json.loads(said)
    return measured


def main() -> None:
    """Renew a month of so many accounts; seconds and MiB as JSON."""
    accounts = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as folder:
        db = open_database(f"sqlite:///{folder}/books.db")
        _open_accounts(db, accounts)
        _sweep(db, _month(0))
        process = psutil.Process()
        before = process.memory_info().rss
        took_s = seconds(partial(_sweep, db, _month(1)))
        after = process.memory_info().rss
        db.dispose()
    mib = 2**20
    print(json.dumps({"s": took_s, "mib": after / mib, "grown_mib": (after - before) / mib}))


def _open_accounts(db: Engine, accounts: int) -> None:
    """All of them on a plan, their first period still to be opened."""
    plans = load_plans(BUNDLED_PLANS)
    documents = {name: plan_to_json(plans[name]) for name in PLANS}
    for first in range(0, accounts, WRITTEN_AT_ONCE):
        _open_some(db, range(first, min(first + WRITTEN_AT_ONCE, accounts)), documents)


def _open_some(db: Engine, numbers: Sequence[int], documents: dict[str, dict[str, object]]) -> None:
    names = [f"a{number:07d}" for number in numbers]
    with transaction(db) as conn:
        insert_many(
            conn,
            ACCOUNTS,
            ("id", "timezone", "activated_at", "opened_at", "opening_hash", "last_command_at"),
            [
                (name, ZONES[number % len(ZONES)], OPENED, OPENED, "", OPENED)
                for name, number in zip(names, numbers, strict=True)
            ],
        )
        ids = list(new_ids(conn, SUBSCRIPTIONS, len(names)))
        insert_many(
            conn,
            SUBSCRIPTIONS,
            ("id", "account_id", "anchor_day", "timezone", "first_period", "started_at"),
            [
                (row_id, name, DAY, ZONES[number % len(ZONES)], 0, OPENED)
                for row_id, name, number in zip(ids, names, numbers, strict=True)
            ],
        )
        conn.execute(
            TERMS.insert(),
            [
                {
                    "account_id": name,
                    "subscription_id": row_id,
                    "plan": PLANS[number % len(PLANS)],
                    "document": documents[PLANS[number % len(PLANS)]],
                    "started_at": OPENED,
                }
                for row_id, name, number in zip(ids, names, numbers, strict=True)
            ],
        )


if __name__ == "__main__":
    main()
