"""Two years of many accounts' billing in one process: how fast, and in how much memory.

Each number of accounts has a process of its own, so that the one does not inherit the other's
memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.measure import Figure, seconds, shown
from engine.database import open_database, transaction
from kernel.clock import ManualClock
from loadmuster import Engine
from pricing.accounts.opening import open_account
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans

ROOT = Path(__file__).resolve().parent.parent
OPENED = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
MONTHS = 24


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of accounts."""

    many: int = 10_000
    few: int = 1_000


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """Account-months a second, and what ten times as many accounts add to the memory."""
    wanted = sizes or Sizes()
    few, many = _measured(wanted.few), _measured(wanted.many)
    months = MONTHS * wanted.many
    return [
        Figure(
            f"{wanted.many:,} accounts over {MONTHS} months, {months / many['s']:,.0f} a second",
            shown(many["s"]),
            f"{wanted.few:,} accounts, {MONTHS * wanted.few / few['s']:,.0f} a second",
            (many["s"] / wanted.many) / (few["s"] / wanted.few),
            "reported",
        ),
        Figure(
            f"memory at the end of {wanted.many:,} accounts (it grew by {many['grown_mib']:.1f})",
            f"{many['mib']:.1f} MiB",
            f"{wanted.few:,} accounts, {few['mib']:.1f} MiB (it grew by {few['grown_mib']:.1f})",
            many["mib"] / few["mib"],
            "at most 1.05",
        ),
    ]


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
    """Advance so many accounts; seconds and MiB as JSON."""
    accounts = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as folder:
        url = f"sqlite:///{folder}/books.db"
        _open_accounts(url, accounts)
        clock = ManualClock(OPENED.replace(year=OPENED.year + MONTHS // 12))
        engine = Engine(url, clock=clock)
        # What the first account loads, all of them share.
        engine.accounts.show("a0")
        process = psutil.Process()
        before = process.memory_info().rss
        took_s = seconds(engine.accounts.advance)
        after = process.memory_info().rss
        engine.close()
    mib = 2**20
    print(json.dumps({"s": took_s, "mib": after / mib, "grown_mib": (after - before) / mib}))


def _open_accounts(url: str, accounts: int) -> None:
    """All of them on a plan, a thousand a transaction."""
    plan = load_plans(BUNDLED_PLANS)["starter"]
    db = open_database(url)
    for first in range(0, accounts, 1_000):
        with transaction(db) as conn:
            for number in range(first, min(first + 1_000, accounts)):
                open_account(
                    conn,
                    f"a{number}",
                    plan,
                    timezone="Europe/Paris",
                    now=OPENED,
                    gateway=REHEARSED_GATEWAY,
                )
    db.dispose()


if __name__ == "__main__":
    main()
