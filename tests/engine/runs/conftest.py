"""Clouds that runs are put on: one rehearsed AWS and one shop a session, and a lab to drive in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.api import Engine
from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud
from engine.runs.controller import Controller
from engine.runs.decide import Observed
from engine.runs.model.states import Limits, Run
from engine.scenario import MachineWishes, Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed
from kernel.clock import ManualClock, SystemClock
from pricing.ledger.invoices import run_cause
from pricing.plans.quotes import Unit
from providers.contract import RUN_TAG
from providers.local.processes import processes_by_machine
from providers.rehearsal.aws_cloud import (
    Rehearsal,
    aws_rehearsal_provider,
    start_rehearsal_server,
)
from tests.real_charges import charged_for_real

if TYPE_CHECKING:
    from providers.aws import AwsProvider

ACCOUNT = "acme"
TIME_SCALE = 10.0
LIMITS = Limits(launch_s=30.0, release_s=100.0, poll_s=10.0, blind_looks_max=3)


@pytest.fixture(scope="session")
def session_rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed AWS whose machines come and go at once."""
    rehearsal = start_rehearsal_server(
        tmp_path_factory.mktemp("rehearsal"), boot_s=0.0, shutdown_s=0.0, owner_pid=os.getpid()
    )
    yield rehearsal
    rehearsal.stop()


@pytest.fixture
def rehearsal(session_rehearsal: Rehearsal) -> Iterator[Rehearsal]:
    """The rehearsed AWS, with nothing going wrong and no calls recorded."""
    session_rehearsal.clear()
    yield session_rehearsal
    session_rehearsal.clear()


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite file, its books empty."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'runs.db')}"


@pytest.fixture(scope="session")
def checkout() -> Scenario:
    """3,000 users for ten minutes on three machines: 6 injectors, 60 LI-minutes, 30 of start-up."""
    profile = closed([(0, 0), (60, 3000), (600, 3000)])
    wishes = MachineWishes(mixed=False, cores_alike=True)
    return Scenario("checkout", Protocol.HTTP, profile, machines=wishes)


@pytest.fixture(scope="session")
def visits(shop: str) -> Callable[[float], Scenario]:
    """Five users that visit the shop for so many seconds: one injector."""
    browsing = UserClass("browsing", think_time_s=(0.1, 0.2), requests=(Request("/"),))

    def scenario(duration_s: float) -> Scenario:
        profile = closed([(0, 5), (duration_s, 5)])
        return Scenario("visits", Protocol.HTTP, profile, target=shop, user_classes=(browsing,))

    return scenario


@dataclass(frozen=True)
class Books:
    """What the books of a run say, in the unit of its quote.

    Attributes:
        startup_charges: Every amount charged on the start-up line; corrections are negative.
        use_charges: The same of the use line.
        sums: Of all postings of the account, by unit: zero.
        invoices: Total of each of the run's invoices.
        kept: What the bill says is kept of start-up and use; None: there is no bill.
    """

    startup_charges: tuple[int, ...]
    use_charges: tuple[int, ...]
    sums: Mapping[Unit, int]
    invoices: tuple[int, ...]
    kept: tuple[int, int] | None


def books_of(engine: Engine, run_id: str) -> Books:
    """Read from the ledger, the invoices and the bill."""
    view = engine.runs.show(run_id)
    account = view.run.order.account_id
    transactions = engine.reports.ledger(account)
    sums: Counter[Unit] = Counter()
    for posting in [posting for each in transactions for posting in each.postings]:
        sums[posting.unit] += posting.amount
    sign = -1 if view.run.order.quote.unit is Unit.USD else 1

    def charges(line: str) -> tuple[int, ...]:
        return tuple(
            sign * posting.amount
            for each in transactions
            if each.cause == run_cause(run_id)
            for posting in each.postings
            if posting.ledger_account.endswith(f":{line}")
        )

    return Books(
        startup_charges=charges("start-up"),
        use_charges=charges("use"),
        sums=dict(sums),
        invoices=tuple(
            each.usd_micros
            for each in engine.reports.invoices(account)
            if each.cause == run_cause(run_id)
        ),
        kept=None if view.bill is None else (view.bill.startup, view.bill.use),
    )


class Stage:
    """Somewhere to run on, by an engine whose database has the account ``acme``."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def accept(self, scenario: Scenario, **options: Any) -> Run:  # noqa: ANN401 - passed through
        return self.engine.runs.accept(scenario, **{"account": ACCOUNT, **options})

    def controller(self) -> Controller:
        return self.engine.runs.controller()

    def drive(
        self,
        run: Run,
        *,
        at_step: Mapping[str, Callable[[], object]] | None = None,
        cancel_after_s: float | None = None,
    ) -> Run:
        """Drive the run to its end.

        Args:
            run: Accepted, or left by another controller.
            at_step: What is to happen at the first of each of these steps.
            cancel_after_s: Ask for its end after a look that saw so many seconds of the test.
        """
        controller = self.controller()
        waiting = dict(at_step or {})

        def on_step(name: str) -> None:
            waiting.pop(name, lambda: None)()

        def watch(seen: Run, observed: Observed) -> None:
            played_s = -1.0 if observed.progress is None else observed.progress.elapsed_s
            if cancel_after_s is not None and played_s >= cancel_after_s:
                self.cancel_request(seen)

        controller.on_step = on_step
        controller.watch = watch
        ended = controller.drive(run.id)
        assert not waiting, f"these steps were never taken: {list(waiting)}"
        return ended

    def cancel_request(self, run: Run) -> bool:
        return self.engine.runs.store.request_cancel(run.id, self.engine.clock.now())

    def machines(self, run: Run) -> int:
        """How many exist, whatever is on record."""
        provider = self.controller().open_cloud(run).provider
        return len(provider.observe(run.id, run.regions))

    def books(self, run: Run) -> Books:
        return books_of(self.engine, run.id)


class Lab(Stage):
    """The shared rehearsed AWS, under a clock that moves when somebody waits on it.

    Attributes:
        clock: The runs' clock.
        rehearsal: Their cloud.
        provider: How it is reached.
    """

    def __init__(
        self, engine: Engine, clock: ManualClock, rehearsal: Rehearsal, provider: AwsProvider
    ) -> None:
        super().__init__(engine)
        self.clock = clock
        self.rehearsal = rehearsal
        self.provider = provider

    def accept(self, scenario: Scenario, **options: Any) -> Run:  # noqa: ANN401 - passed through
        return super().accept(
            scenario, **{"provider": "aws", "dry_run": True, "time_scale": TIME_SCALE, **options}
        )

    def controller(self) -> Controller:
        controller = super().controller()
        controller.open_cloud = lambda _run: Cloud(self.provider, RehearsedLoad(), LIMITS)
        return controller

    def machines_ever(self, run: Run) -> int:
        """How many were ever launched for the run, those that are gone included."""
        return len(self._instances(run))

    def terminate(self, run: Run, count: int | None = None) -> None:
        """End machines behind the controller's back."""
        for region, instance_id in self._instances(run)[:count]:
            client = self.provider._clients.ec2(region)
            client.terminate_instances(InstanceIds=[instance_id])

    def _instances(self, run: Run) -> list[tuple[str, str]]:
        return [
            (region, instance["InstanceId"])
            for region in run.places["aws"]
            for reservation in self.provider._clients.ec2(region).describe_instances(
                Filters=[{"Name": f"tag:{RUN_TAG}", "Values": [run.id]}]
            )["Reservations"]
            for instance in reservation["Instances"]
        ]


@pytest.fixture(scope="session")
def shared_provider(session_rehearsal: Rehearsal) -> AwsProvider:
    """The provider of the shared rehearsal; to make its clients takes a while."""
    return aws_rehearsal_provider(session_rehearsal.endpoint_url, SystemClock())


@pytest.fixture
def make_lab(
    rehearsal: Rehearsal,
    shared_provider: AwsProvider,
    now: datetime,
    tmp_path: Path,
) -> Callable[[str], Lab]:
    """A lab on a database; its account is on demand."""

    def make(url: str) -> Lab:
        clock = ManualClock(now)
        engine = Engine(url, clock=clock, folder=tmp_path / "runs")
        engine.accounts.open(ACCOUNT)
        clock.move_to(now + timedelta(minutes=1))
        shared_provider._clock = shared_provider._clients._clock = clock
        return Lab(engine, clock, rehearsal, shared_provider)

    return make


@pytest.fixture
def lab(make_lab: Callable[[str], Lab], sqlite_url: str) -> Iterator[Lab]:
    """A lab on SQLite, whose runs are charged for real."""
    with charged_for_real():
        lab = make_lab(sqlite_url)
        yield lab
        lab.engine._context.db.dispose()


@pytest.fixture
def lab_on_both(make_lab: Callable[[str], Lab], database_url: str) -> Iterator[Lab]:
    """A lab on SQLite, and one on PostgreSQL, whose runs are charged for real."""
    with charged_for_real():
        lab = make_lab(database_url)
        yield lab
        lab.engine._context.db.dispose()


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Iterator[Stage]:
    """This machine, where runs put real load on the shop; all runs are charged for real."""
    with charged_for_real():
        engine = Engine(sqlite_url, folder=tmp_path / "runs")
        engine.accounts.open(ACCOUNT)
        yield Stage(engine)
        assert processes_by_machine(tmp_path) == {}
        engine._context.db.dispose()


@pytest.fixture
def loadmuster(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line as a program of its own, with a home of its own."""
    home = tmp_path / "home"

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("loadmuster")), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home)},
        )

    return start
