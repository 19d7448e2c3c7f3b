"""Kills controllers with SIGKILL at every step that they take, and lets others finish their runs.

Executed as ``python kill_points.py DATABASE_URL FOLDER ENDPOINT``; prints one JSON line a kill.
One process imports everything and forks: a controller that dies, one that takes over, and one that
looks at the books, for each step of a run that completes and of one that is cancelled. Only
children touch the database, since connections do not survive a fork.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.api import Engine
from engine.profile import closed
from engine.runs.controller import Controller
from engine.runs.decide import Observed
from engine.runs.states import Run, RunState
from engine.scenario import Protocol, Scenario
from pricing.invoices import run_cause
from providers.rehearsal.aws_cloud import aws_rehearsal_provider

ACCOUNT = "acme"
SCENARIO = Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 900), (600, 900)]))
SPEED = 1200.0
"""Ten minutes of load in half a second."""


class Lives:
    """Runs on one database and one rehearsed cloud, driven by children that can be killed."""

    def __init__(self, url: str, folder: Path, endpoint: str) -> None:
        self._url = url
        self._folder = folder
        self._endpoint = endpoint

    def engine(self) -> Engine:
        return Engine(self._url, folder=self._folder)

    def accept(self) -> str:
        """A new run on the shared cloud."""
        engine = self.engine()
        run = engine.accept(
            SCENARIO, account=ACCOUNT, provider="aws", dry_run=True, time_scale=SPEED
        )
        engine.store.set_endpoint(run.id, self._endpoint)
        return run.id

    def drive(self, run_id: str, *, cancelled: bool, on_step: Callable[[str], None]) -> None:
        """Drive the run to its end; ``cancelled``: ask for it as soon as load flows."""
        engine = self.engine()
        controller = engine.controller()
        controller.on_step = on_step
        if cancelled:
            controller.watch = cancel_when_running(controller)
        controller.drive(run_id)

    def facts(self, run_id: str) -> dict[str, Any]:
        """What is true of the run, its machines and its money."""
        engine = self.engine()
        view = engine.show(run_id)
        provider = aws_rehearsal_provider(self._endpoint, engine.clock)
        transactions = [each for each in engine.ledger(ACCOUNT) if each.cause == run_cause(run_id)]
        postings = [posting for each in transactions for posting in each.postings]
        return {
            "state": view.run.state.value,
            "outcome": None if view.run.outcome is None else view.run.outcome.value,
            "machines": len(provider.observe(run_id, view.run.order.regions)),
            "startup_charges": sum(
                entry.ledger_account == "revenue:start-up" and entry.amount < 0 for entry in postings
            ),
            "sum": sum(entry.amount for entry in postings),
            "invoices": sum(run_id in each.cause for each in engine.invoices(ACCOUNT)),
            "total": None if view.bill is None else view.bill.total,
            "startup": None if view.bill is None else view.bill.startup,
            "quoted": view.run.order.quote.total,
        }


def cancel_when_running(controller: Controller) -> Callable[[Run, Observed], None]:
    def watch(run: Run, _observed: Observed) -> None:
        if run.state is RunState.RUNNING:
            controller.cancel_wanted = lambda: True

    return watch


def in_child(work: Callable[[], object]) -> tuple[int, Any]:
    """Fork, do the work there, and return how the child ended and what it answered."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer = json.dumps(work())
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    return status, json.loads(text) if text else None


def die_at(step: str) -> Callable[[str], None]:
    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def go_on(_name: str) -> None:
    """Survive this step."""


def steps_of(lives: Lives, *, cancelled: bool) -> list[str]:
    """The steps of an undisturbed run, each once, in order."""

    def life() -> list[str]:
        seen: dict[str, None] = {}
        lives.drive(lives.accept(), cancelled=cancelled, on_step=seen.setdefault)
        return list(seen)

    _, steps = in_child(life)
    assert steps, "an undisturbed run takes steps"
    return list(steps)


def kill_once(lives: Lives, step: str, *, cancelled: bool) -> dict[str, Any]:
    """One run whose controller dies at the step; another takes over."""
    _, run_id = in_child(lives.accept)
    killed, _ = in_child(lambda: lives.drive(run_id, cancelled=cancelled, on_step=die_at(step)))
    _, between = in_child(lambda: lives.facts(run_id))
    finished, _ = in_child(lambda: lives.drive(run_id, cancelled=cancelled, on_step=go_on))
    _, after = in_child(lambda: lives.facts(run_id))
    return {
        "step": step,
        "cancelled": cancelled,
        "killed": os.WIFSIGNALED(killed) and os.WTERMSIG(killed) == signal.SIGKILL,
        "finished": finished == 0,
        "between": between,
        "after": after,
    }


def main(url: str, folder: str, endpoint: str) -> None:
    lives = Lives(url, Path(folder), endpoint)
    in_child(lambda: lives.engine().open_account(ACCOUNT).id)
    for cancelled in (False, True):
        for step in steps_of(lives, cancelled=cancelled):
            report = kill_once(lives, step, cancelled=cancelled)
            sys.stdout.write(json.dumps(report) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
