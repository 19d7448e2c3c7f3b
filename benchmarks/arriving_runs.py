"""Runs that arrive by a schedule: how long it takes to reserve, charge and bill each of them.

An open loop: every run has an instant at which it arrives, whether those before it are done or not,
and its time counts from then, so that waiting counts. Accounts are taken at random, half of them on
credits and half in money. A process of its own drives them, with a few threads as a service has.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
from sqlalchemy import Connection, Engine

from benchmarks.databases import New, databases
from benchmarks.measure import Figure, shown
from engine.database import open_database, transaction
from pricing.accounts.opening import open_account
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote, quote_run
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tariffs import LoadSize

ROOT = Path(__file__).resolve().parent.parent
OPENED = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
PLANS = ("starter", "on-demand")
OPENED_AT_ONCE = 200
THREADS = 4
WARM_UP_S = 2.0
SEED = 15


@dataclass(frozen=True, slots=True)
class Sizes:
    """Accounts, and how many runs arrive in how many seconds."""

    accounts: int = 10_000
    runs_a_second: int = 50
    measured_s: float = 30.0


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """The slowest of a hundred runs, on the database of an installation that has so many."""
    with databases() as kinds:
        return [_figure("PostgreSQL", kinds["PostgreSQL"], sizes or Sizes())]


def _figure(kind: str, new: New, sizes: Sizes) -> Figure:
    db = new()
    for first in range(0, sizes.accounts, OPENED_AT_ONCE):
        _open(db, range(first, min(first + OPENED_AT_ONCE, sizes.accounts)))
    url = db.url.render_as_string(hide_password=False)
    said = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.arriving_runs", url),
            *(str(sizes.accounts), str(sizes.runs_a_second), str(sizes.measured_s)),
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    found = json.loads(said)
    return Figure(
        f"a run reserved, charged and billed while {sizes.runs_a_second} a second arrive at"
        f" {sizes.accounts:,} accounts, {kind}, p99",
        f"{shown(found['p99_s'])}, median {shown(found['median_s'])}",
        f"30 ms; one at a time {shown(found['alone_s'])}, load of the machine {found['load']:.1f}",
        found["p99_s"] / 30e-3,
        "aim: at most 1",
    )


def _open(db: Engine, numbers: range) -> None:
    plans = load_plans(BUNDLED_PLANS)
    with transaction(db) as conn:
        for number in numbers:
            plan = plans[PLANS[number % len(PLANS)]]
            open_account(
                conn, f"a{number}", plan, timezone="UTC", now=OPENED, gateway=REHEARSED_GATEWAY
            )


def main() -> None:
    """Let runs arrive at a database's accounts; what their times were, as JSON."""
    url, accounts, runs_a_second, measured_s = sys.argv[1:]
    db = open_database(url)
    runs = Runs(db, int(accounts))
    alone_s = [timed(partial(runs.run, number)) for number in range(int(runs_a_second))]
    load, *_ = psutil.getloadavg()
    gap_s = 1 / int(runs_a_second)
    arriving = round((WARM_UP_S + float(measured_s)) / gap_s)
    began_s = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        done = [
            pool.submit(_at, began_s + number * gap_s, partial(runs.run, len(alone_s) + number))
            for number in range(arriving)
        ]
        took_s = [each.result() for each in done][round(WARM_UP_S / gap_s) :]
    db.dispose()
    p99_s = statistics.quantiles(took_s, n=100)[-1]
    median_s = statistics.median(took_s)
    alone = statistics.median(alone_s)
    print(json.dumps({"p99_s": p99_s, "median_s": median_s, "alone_s": alone, "load": load}))


class Runs:
    """Runs of an installation's accounts, each a minute later than the one before.

    Args:
        db: Its books.
        accounts: How many it has.
    """

    def __init__(self, db: Engine, accounts: int) -> None:
        self._db = db
        self._accounts = accounts
        self._plans = load_plans(BUNDLED_PLANS)

    def run(self, number: int) -> None:
        """Do to the books what a run does that is over: in three transactions, as it goes."""
        of = random.Random(f"{SEED}:{number}").randrange(self._accounts)  # noqa: S311 - a choice
        quote = quote_run(
            self._plans[PLANS[of % len(PLANS)]], LoadSize(injectors=1, users=100, duration_s=60)
        )
        run_id, account_id, now = f"r{number}", f"a{of}", OPENED + timedelta(seconds=number)
        steps: tuple[Callable[[Connection], object], ...] = (
            lambda conn: reserve(
                conn, account_id, run_id, quote, now=now, gateway=REHEARSED_GATEWAY
            ),
            lambda conn: charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY),
            lambda conn: self._end(conn, run_id, quote, now),
        )
        for step in steps:
            with transaction(self._db) as conn:
                step(conn)

    def _end(self, conn: Connection, run_id: str, quote: Quote, now: datetime) -> None:
        """All of it is kept, and billed."""
        correct(
            conn,
            run_id,
            keep_startup=quote.startup,
            keep_use=quote.use,
            reason="over",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        issue_for_run(conn, run_id, now)


def _at(arrives_s: float, work: Callable[[], object]) -> float:
    """Do it once it has arrived; how long after that it was done."""
    time.sleep(max(arrives_s - time.perf_counter(), 0))
    work()
    return time.perf_counter() - arrives_s


def timed(work: Callable[[], object]) -> float:
    """How long it takes from now on."""
    return _at(time.perf_counter(), work)


if __name__ == "__main__":
    main()
