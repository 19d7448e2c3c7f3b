"""Kills controllers with SIGKILL at every step that they take, and lets others finish their runs.

Executed as ``python kill_points.py aws DATABASE_URL FOLDER ENDPOINT`` or ``local DATABASE_URL
FOLDER TARGET``; prints one JSON line a kill. One process imports everything and forks: a child that
accepts and drives a run until it dies, and a child that looks at what it left, takes over, and
looks at the books. Only children touch the database and the cloud, since connections do not survive
a fork.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import make_url

from engine.api import Engine
from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud, OpenCloud
from engine.runs.clouds.registry import LOCAL_LIMITS
from engine.runs.controller import Controller
from engine.runs.decide import Observed
from engine.runs.model.states import Limits, Run, RunState
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed
from kernel.clock import SystemClock
from pricing.ledger.invoices import run_cause
from providers.contract import Machine
from providers.rehearsal.aws_cloud import aws_rehearsal_provider
from tests.real_charges import charged_for_real

ACCOUNT = "acme"
REGION = "us-east-1"
CHECKOUT = Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 900), (600, 900)]))
COMPLETED_SPEED = 3000.0
CANCELLED_SPEED = 3.0
"""Plays for 200 s if nobody ends it: slow enough to be cancelled while load flows."""

LIMITS = Limits(
    launch_s=60.0,
    start_s=60.0,
    overrun_s=60.0,
    release_s=60.0,
    visibility_s=0.3,
    expiry_margin_s=60.0,
    poll_s=0.05,
)
FIRST_STEP = "accepted/RecordIntent/before"
ANSWERED = {"CreateFleet": "launching", "DeleteFleets": "releasing"}
"""Calls after whose answer, and before anything is made of it, controllers are killed too."""

CREWS = 3
"""Runs that are killed side by side: most of their time they wait."""

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Life:
    """A kind of run, the steps at which it is killed, and how it is meant to end."""

    provider: str
    scenario: Scenario
    speed: float
    cancelled: bool
    steps: tuple[str, ...] = ()
    """Empty: every step of an undisturbed run, from ``first_step`` on."""
    first_step: str = FIRST_STEP

    @property
    def outcome(self) -> str:
        return "cancelled" if self.cancelled else "completed"


class Lives:
    """Runs on one database and one cloud, driven by children that can be killed."""

    lives: tuple[Life, ...]

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def engine(self) -> Engine:
        return Engine(self.url, folder=self.folder)

    def accept(self, run_id: str, life: Life) -> None:
        engine = Engine(self.url, folder=self.folder, new_id=lambda: run_id)
        engine.runs.accept(
            life.scenario,
            account=ACCOUNT,
            provider=life.provider,
            dry_run=life.provider == "aws",
            time_scale=life.speed,
        )

    def drive(self, run_id: str, life: Life, on_step: OnStep) -> None:
        """Drive the run to its end; one to be cancelled is as soon as load flows."""
        controller = self.engine().runs.controller()
        controller.on_step = on_step
        controller.open_cloud = self.open_cloud(controller)
        if life.cancelled:
            controller.watch = cancel_when_running(controller)
        controller.drive(run_id)

    def open_cloud(self, controller: Controller) -> OpenCloud:
        real = controller.open_cloud
        limits = replace(LOCAL_LIMITS, poll_s=0.1)
        return lambda run: replace(real(run), limits=limits)

    def machines(self, run: Run) -> tuple[Machine, ...]:
        """What is there, whatever is on record."""
        cloud = self.engine().runs.controller().open_cloud(run)
        return cloud.provider.observe(run.id, run.regions)

    def facts(self, run_id: str) -> dict[str, Any]:
        """What is true of the run, its machines and its money."""
        engine = self.engine()
        view = engine.runs.show(run_id)
        transactions = [
            each for each in engine.reports.ledger(ACCOUNT) if each.cause == run_cause(run_id)
        ]
        postings = [posting for each in transactions for posting in each.postings]
        return {
            "state": view.run.state.value,
            "outcome": None if view.run.outcome is None else view.run.outcome.value,
            "machines": len(self.machines(view.run)),
            "startup_charges": [
                -each.amount for each in postings if each.ledger_account == "revenue:start-up"
            ],
            "sum": sum(each.amount for each in postings),
            "invoices": [
                each.usd_micros
                for each in engine.reports.invoices(ACCOUNT)
                if each.cause == run_cause(run_id)
            ],
            "total": None if view.bill is None else view.bill.total,
            "startup": view.run.order.quote.startup,
            "quoted": view.run.order.quote.total,
        }


class RehearsedLives(Lives):
    """On one rehearsed AWS that all runs share; its clients are made once, before any fork."""

    def __init__(self, url: str, folder: Path, endpoint: str) -> None:
        super().__init__(url, folder)
        self._provider = aws_rehearsal_provider(endpoint, SystemClock())
        self._provider._clients.client("ssm", REGION)
        self._provider.observe("nobody", [REGION])
        self._provider._clients.ec2(REGION).close()
        self.lives = (
            Life("aws", CHECKOUT, COMPLETED_SPEED, cancelled=False),
            Life(
                "aws",
                CHECKOUT,
                CANCELLED_SPEED,
                cancelled=True,
                first_step="launching/CreateFleet/answered",
            ),
        )

    def open_cloud(self, controller: Controller) -> OpenCloud:
        def tell(model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's, untyped
            if model.name in ANSWERED:
                controller.on_step(f"{ANSWERED[model.name]}/{model.name}/answered")

        self._provider._clients.ec2(REGION).meta.events.register("after-call.ec2", tell)
        return lambda _run: Cloud(self._provider, RehearsedLoad(), LIMITS)

    def machines(self, run: Run) -> tuple[Machine, ...]:
        return self._provider.observe(run.id, run.regions)


class LocalLives(Lives):
    """On this machine, with Locust and real load."""

    def __init__(self, url: str, folder: Path, target: str) -> None:
        super().__init__(url, folder)
        browsing = UserClass("browsing", think_time_s=(0.1, 0.2), requests=(Request("/"),))
        visits = Scenario(
            "visits",
            Protocol.HTTP,
            closed([(0, 5), (10, 5)]),
            target=target,
            user_classes=(browsing,),
        )
        to_be_cancelled = replace(visits, profile=closed([(0, 5), (300, 5)]))
        self.lives = (
            Life("local", visits, 1.0, cancelled=False, steps=("launching/Launch/sent",)),
            Life("local", visits, 1.0, cancelled=False, steps=("running/Wait/after",)),
            Life(
                "local", to_be_cancelled, 1.0, cancelled=True, steps=("releasing/Release/before",)
            ),
            Life("local", to_be_cancelled, 1.0, cancelled=True, steps=("releasing/Release/sent",)),
        )


def cancel_when_running(controller: Controller) -> Callable[[Run, Observed], None]:
    def watch(run: Run, _observed: Observed) -> None:
        if run.state is RunState.RUNNING:
            controller.cancel_wanted = lambda: True

    return watch


def fork(work: Callable[[], object]) -> int:
    """The child that does the work; an error there ends it with its traceback and status 1."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(status)
    return child


def in_child(work: Callable[[], object]) -> tuple[int, Any]:
    """Do the work in a child, and return how that ended and what it answered."""
    reading, writing = os.pipe()
    child = fork(lambda: os.write(writing, json.dumps(work()).encode()))
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    _, status = os.waitpid(child, 0)
    return status, json.loads(text) if text else None


def die_at(step: str) -> OnStep:
    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def steps_of(lives: Lives, run_id: str, life: Life) -> list[str]:
    """The steps of an undisturbed run, each once, in order.

    What is on record before a step is what was there after the last, so one of the two will do.
    """

    def live() -> list[str]:
        seen: dict[str, None] = {}
        lives.accept(run_id, life)
        lives.drive(run_id, life, lambda name: seen.update({name: None}))
        assert lives.facts(run_id)["outcome"] == life.outcome
        return list(seen)

    _, steps = in_child(live)
    wanted = steps[steps.index(life.first_step) :]
    return [step for step in wanted if step == FIRST_STEP or not step.endswith("/before")]


def kill_once(lives: Lives, run_id: str, life: Life, step: str) -> dict[str, Any]:
    """One run whose controller dies at the step; another takes over."""

    def die() -> None:
        lives.accept(run_id, life)
        lives.drive(run_id, life, die_at(step))

    def take_over() -> dict[str, Any]:
        between = lives.facts(run_id)
        lives.drive(run_id, life, lambda _name: None)
        return {"between": between, "after": lives.facts(run_id)}

    killed, _ = in_child(die)
    _, facts = in_child(take_over)
    return {
        "run": run_id,
        "step": step,
        "wanted": life.outcome,
        "killed": os.WIFSIGNALED(killed) and os.WTERMSIG(killed) == signal.SIGKILL,
        "facts": facts,
    }


def kill_all(lives: Lives, points: Sequence[tuple[str, Life, str]]) -> None:
    """Kill at each of the points, one after the other, and print the reports."""
    for run_id, life, step in points:
        report = kill_once(lives, run_id, life, step)
        # Whether a controller ever waits for the cloud depends on how fast both are.
        if report["killed"] or "/Wait/" not in step:
            os.write(sys.stdout.fileno(), (json.dumps(report) + "\n").encode())


def main(kind: str, url: str, folder: str, place: str) -> None:
    made = RehearsedLives if kind == "aws" else LocalLives
    lives: Lives = made(url, Path(folder), place)
    # The driver is imported here, once, rather than in every child.
    make_url(url).get_dialect().import_dbapi()
    in_child(lambda: lives.engine().accounts.open(ACCOUNT).id)
    # A cloud never launches for an id that it has seen before.
    some = f"run-{secrets.token_hex(3)}"
    points = [
        (f"{some}-{number}-{step.replace('/', '-')}", life, step)
        for number, life in enumerate(lives.lives)
        for step in life.steps or steps_of(lives, f"{some}-{number}", life)
    ]
    crews = [fork(partial(kill_all, lives, points[first::CREWS])) for first in range(CREWS)]
    assert all(os.waitpid(crew, 0)[1] == 0 for crew in crews)


if __name__ == "__main__":
    with charged_for_real():
        main(*sys.argv[1:])
