"""Lets controllers share many runs, kills one with SIGKILL now and then, and looks at the books.

Executed as ``python many_controllers.py DATABASE_URL FOLDER ENDPOINT RUNS KILL_EVERY_S KILLS_MAX``;
prints one JSON document. The controllers are ``loadmuster serve`` as a user starts it; one that is
killed is replaced. A fifth of the runs is cancelled after they have begun.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api import Engine
from engine.runs.clouds.registry import CloudRegistry
from engine.runs.model.states import Outcome, RunState
from engine.runs.reaper.reaper import ReapedRegion
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from kernel.clock import SystemClock
from pricing.ledger.invoices import run_cause
from pricing.plans.quotes import Unit
from tests.patience import PATIENCE_S
from tests.real_charges import charged_for_real

ACCOUNTS = ("acme", "globex", "initech")
CONTROLLERS = 6
AT_ONCE = 4
SEED = 7
CANCELLED_EVERY = 5
KILLS_AT_FIRST = 3
ENDED_A_KILL = 2

LOOK_S = 0.2
SPEED = 400.0
CHECKOUT = Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 900), (600, 900)]))
"""One machine; plays for a second and a half."""


@dataclass
class Crew:
    """The controllers that live, and how many were killed."""

    url: str
    log: Path
    environment: Mapping[str, str]
    alive: list[subprocess.Popen[bytes]] = field(default_factory=list)
    killed: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.alive.append(
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "loadmuster.cli", "serve", "--db", self.url),
                        *("--until-idle", "--at-once", str(AT_ONCE), "--reap-every", "0"),
                    ],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of the older half, which had time to take runs, and start another for it."""
        victim = self.alive.pop(chance.randrange(len(self.alive) // 2))
        victim.kill()
        if victim.wait() < 0:
            self.killed += 1
        self.start()

    def codes(self) -> list[int | None]:
        return [each.poll() for each in self.alive]


@contextmanager
def crew_of(url: str, folder: Path, endpoint: str) -> Iterator[Crew]:
    crew = Crew(url, folder / "serve.log", os.environ | {"LOADMUSTER_REHEARSAL": endpoint})
    try:
        yield crew
    finally:
        for each in crew.alive:
            each.kill()
            each.wait()


def accept(engine: Engine, count: int) -> Sequence[str]:
    """Put runs on record, in turns for each of the accounts."""
    for account in ACCOUNTS:
        engine.accounts.open(account)
    return [
        engine.runs.accept(
            CHECKOUT,
            account=ACCOUNTS[number % len(ACCOUNTS)],
            provider="aws",
            dry_run=True,
            time_scale=SPEED,
        ).id
        for number in range(count)
    ]


def disturb(
    engine: Engine, crew: Crew, run_ids: Sequence[str], kill_every_s: float, kills_max: int
) -> None:
    """Kill controllers and cancel runs until every run has ended.

    After the first kills each waits for some more runs to end: controllers that are killed faster
    than they get ready let every deadline pass.
    """
    chance = random.Random(SEED)
    to_cancel = len(run_ids) // CANCELLED_EVERY
    began_s = last_kill_s = time.monotonic()
    while left := engine.runs.store.list(open_only=True):
        now_s = time.monotonic()
        if now_s - began_s > PATIENCE_S:
            raise TimeoutError(f"runs are still open after {PATIENCE_S:.0f} s")
        allowed = KILLS_AT_FIRST + (len(run_ids) - len(left)) // ENDED_A_KILL
        due = now_s - last_kill_s >= kill_every_s
        if due and crew.killed < min(kills_max, allowed):
            crew.kill_one(chance)
            last_kill_s = now_s
        begun = [run.id for run in left if run.state is not RunState.ACCEPTED]
        if to_cancel and begun and chance.random() < to_cancel / len(left):
            to_cancel -= engine.runs.store.request_cancel(chance.choice(begun), engine.clock.now())
        time.sleep(LOOK_S)


def facts(engine: Engine, endpoint: str, run_ids: Sequence[str]) -> dict[str, Any]:
    """What is true of every run, and of the cloud."""
    provider = CloudRegistry(engine.runs.folder, SystemClock()).rehearsals.provider("aws", endpoint)
    runs = [engine.runs.store.load(run_id) for run_id in run_ids]
    regions = tuple(sorted({region for run in runs for region in run.regions}))
    sums: Counter[Unit] = Counter()
    charges: dict[str, list[tuple[str, int]]] = defaultdict(list)
    invoices: Counter[str] = Counter()
    for account in ACCOUNTS:
        invoices.update(each.cause for each in engine.reports.invoices(account))
        for entry in engine.reports.ledger(account):
            for posting in entry.postings:
                sums[posting.unit] += posting.amount
                if posting.ledger_account.startswith("revenue:"):
                    charges[entry.cause].append((posting.ledger_account, -posting.amount))
    outcomes = {outcome.value for outcome in Outcome}
    reports = []
    for run in runs:
        posted = charges[run_cause(run.id)]
        use = [amount for line, amount in posted if line == "revenue:use"]
        events = [event.name for event in engine.runs.store.timeline(run.id)]
        reports.append(
            {
                "run": run.id,
                "ended": run.state is RunState.ENDED,
                "outcome": None if run.outcome is None else run.outcome.value,
                "reason": run.reason,
                "charged": run.intent_at is not None,
                "ends": sum(name in outcomes for name in events),
                "intents": events.count("charged"),
                "startup_charges": sum(
                    line == "revenue:start-up" and amount > 0 for line, amount in posted
                ),
                "use_charges": sum(amount > 0 for amount in use),
                "corrections": sum(amount < 0 for amount in use),
                "invoices": invoices[run_cause(run.id)],
            }
        )
    return {
        "runs": reports,
        "sums": sorted(sums.values()),
        "machines_left": len(provider.observe_all(ReapedRegion("aws", regions, endpoint).regions)),
    }


def main(url: str, folder: str, endpoint: str, runs: str, kill_every_s: str, kills: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    engine = Engine(url)
    run_ids = accept(engine, int(runs))
    began_s = time.monotonic()
    with crew_of(url, Path(folder), endpoint) as crew:
        for _ in range(CONTROLLERS):
            crew.start()
        disturb(engine, crew, run_ids, float(kill_every_s), int(kills))
        took_s = time.monotonic() - began_s
        codes = [each.wait(timeout=PATIENCE_S) for each in crew.alive]
    report = facts(engine, endpoint, run_ids)
    takes = crew.log.read_text().count(": taken\n")
    report |= {"taken_over": takes - len(run_ids)}
    report |= {"killed": crew.killed, "codes": codes, "took_s": round(took_s, 1)}
    sys.stdout.write(json.dumps(report) + "\n")
    engine.close()


if __name__ == "__main__":
    with charged_for_real():
        main(*sys.argv[1:])
