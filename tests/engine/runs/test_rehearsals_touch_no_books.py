"""A rehearsal, whoever would pay and however it ends: its bill is a real run's, the books are not.

Lives are played twice, on two databases: as a rehearsal, and as a run that is charged for real.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Table, select

import pricing.tables
from engine.api import Engine
from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud
from engine.runs.controller import Controller
from engine.runs.decide import Observed
from engine.runs.leases.lease import Lease
from engine.runs.model.states import Limits, Outcome, Run, RunState
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from kernel.clock import ManualClock
from kernel.errors import LoadmusterError, RefusedError
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.run_charges.bill import Bill
from pricing.tables import COMMANDS, PERSONS, REHEARSED_CHARGES
from tests.real_charges import charged_for_real
from tests.run_simulator.cloud import SimulatedCloud

LIMITS = Limits(launch_s=120.0, release_s=300.0, poll_s=10.0, blind_looks_max=3)
LOAD_S = 60.0
PROVIDERS = ("aws", "azure")
TWICE_ON = "aws"
"""Where each life is played a second time, charged for real."""

DEPARTMENT = "research"
NO_BOOKS = (REHEARSED_CHARGES, COMMANDS, PERSONS)
"""What a rehearsal has of its own, and the log, which says that somebody asked for it."""

MONEY_TABLES = tuple(
    each
    for each in vars(pricing.tables).values()
    if isinstance(each, Table) and each not in NO_BOOKS
)


def load(minutes: int) -> Scenario:
    """3,000 users: 6 injectors."""
    return Scenario("checkout", Protocol.HTTP, closed([(0, 0), (60, 3000), (60 * minutes, 3000)]))


CHECKOUT = load(10)


class KilledError(BaseException):
    """The process of a controller is gone."""


@dataclass
class World:
    """An engine on clouds of this process, with the account that a life is played on."""

    engine: Engine
    clock: ManualClock
    is_real: bool
    controllers: Iterator[int] = field(default_factory=count)

    def cloud(self, provider: str, shortness: float = 0.0) -> SimulatedCloud:
        return SimulatedCloud(
            name=provider,
            chance=random.Random(1),
            clock=self.clock,
            roughness=0.0,
            shortness=shortness,
            mishaps=Counter(),
            before_call=lambda _: None,
        )

    def accept(self, scenario: Scenario, account: str, provider: str, **options: Any) -> Run:  # noqa: ANN401 - passed through
        with charged_for_real() if self.is_real else nullcontext():
            return self.engine.runs.accept(
                scenario,
                account=account,
                provider=provider,
                dry_run=True,
                time_scale=scenario.profile.duration_s / LOAD_S,
                **options,
            )

    def controller(self, cloud: SimulatedCloud) -> Controller:
        return Controller(
            db=self.engine._context.db,
            open_cloud=lambda _: Cloud(cloud, RehearsedLoad(), LIMITS),
            clock=self.clock,
            folder=self.engine.runs.folder,
            lease=Lease(f"elsewhere/1/0.00/{next(self.controllers)}"),
            gateway=REHEARSED_GATEWAY,
            lease_clock=self.clock,
        )

    def money(self) -> Mapping[str, list[Any]]:
        """Every row of the books."""
        with self.engine._context.reading() as conn:
            return {
                each.name: sorted(tuple(row) for row in conn.execute(select(each)))
                for each in MONEY_TABLES
            }


Make = Callable[..., World]


@pytest.fixture
def make_world(migrated_file: Path, tmp_path: Path, now: datetime) -> Iterator[Make]:
    """A world on a database of its own; whether its runs are charged for real."""
    worlds = []

    def make(*, is_real: bool) -> World:
        file = shutil.copy(migrated_file, tmp_path / f"{'real' if is_real else 'rehearsed'}.db")
        clock, numbers = ManualClock(now), count(1)
        engine = Engine(
            f"sqlite:///{file}",
            clock=clock,
            folder=tmp_path / "runs",
            new_id=lambda: f"run-{next(numbers)}",
        )
        worlds.append(World(engine, clock, is_real))
        return worlds[-1]

    yield make
    for world in worlds:
        world.engine.close()


def on_demand(engine: Engine, account: str) -> None:
    engine.accounts.open(account)


def starter(engine: Engine, account: str) -> None:
    engine.accounts.open(account, plan="starter")


def extra_credits(engine: Engine, account: str) -> None:
    starter(engine, account)
    engine.accounts.extra_credits(account, 5_000)


def department_credits(engine: Engine, account: str) -> None:
    starter(engine, account)
    engine.departments.add(account, DEPARTMENT)
    engine.departments.allocate(account, DEPARTMENT, 600)


def wallet(engine: Engine, account: str) -> None:
    starter(engine, account)
    engine.departments.add(account, DEPARTMENT)
    engine.departments.limit(account, DEPARTMENT, 1_000_000_000)


PAYERS: Mapping[Callable[[Engine, str], None], tuple[Scenario, Mapping[str, str]]] = {
    on_demand: (CHECKOUT, {}),
    starter: (CHECKOUT, {}),
    # Of 2,400 LI-minutes, 600 more than the plan has.
    extra_credits: (load(400), {}),
    department_credits: (CHECKOUT, {"department": DEPARTMENT}),
    wallet: (CHECKOUT, {"department": DEPARTMENT}),
}


def to_its_end(world: World, run: Run) -> None:
    world.controller(world.cloud(run.order.provider)).drive(run.id)


def cancelled_before_launch(world: World, run: Run) -> None:
    world.engine.runs.store.request_cancel(run.id, world.clock.now())
    to_its_end(world, run)


def cancelled_while_load_flows(world: World, run: Run) -> None:
    controller = world.controller(world.cloud(run.order.provider))

    def watch(seen: Run, observed: Observed) -> None:
        if observed.progress is not None and observed.progress.elapsed_s >= 200:
            world.engine.runs.store.request_cancel(seen.id, world.clock.now())

    controller.watch = watch
    controller.drive(run.id)


def without_machines(world: World, run: Run) -> None:
    world.controller(world.cloud(run.order.provider, shortness=1.0)).drive(run.id)


def losing_a_machine(world: World, run: Run) -> None:
    cloud = world.cloud(run.order.provider)
    controller = world.controller(cloud)

    def watch(seen: Run, observed: Observed) -> None:
        if observed.progress is not None and observed.progress.elapsed_s >= 200:
            cloud.lose_one(seen.id)

    controller.watch = watch
    controller.drive(run.id)


def killed_and_taken_over(world: World, run: Run) -> None:
    cloud = world.cloud(run.order.provider)
    for last_step in (
        "accepted/RecordIntent/charged",
        "accepted/RecordIntent/after",
        "launching/Launch/sent",
        "releasing/End/settled",
    ):
        controller = world.controller(cloud)

        def die(step: str, last_step: str = last_step) -> None:
            if step == last_step:
                raise KilledError

        controller.on_step = die
        with pytest.raises(KilledError):
            controller.drive(run.id)
        world.clock.sleep(40)
    world.controller(cloud).drive(run.id)


ENDS: Mapping[Callable[[World, Run], None], Outcome] = {
    to_its_end: Outcome.COMPLETED,
    cancelled_before_launch: Outcome.CANCELLED,
    cancelled_while_load_flows: Outcome.CANCELLED,
    without_machines: Outcome.FAILED,
    losing_a_machine: Outcome.FAILED,
    killed_and_taken_over: Outcome.COMPLETED,
}


@pytest.mark.promise("rehearsal-costs-nothing", command="run", provider=("aws", "azure"))
@pytest.mark.parametrize("pays", PAYERS, ids=lambda pays: pays.__name__)
def test_a_rehearsal_leaves_every_row_of_the_books_as_it_was_and_its_bill_is_a_real_runs(
    pays: Callable[[Engine, str], None], make_world: Make
) -> None:
    rehearsing, real = make_world(is_real=False), make_world(is_real=True)
    totals = set()
    for provider in PROVIDERS:
        for ends, outcome in ENDS.items():
            account = f"{provider}-{ends.__name__}"
            bill, posted = bill_and_posted(rehearsing, account, pays, provider, ends, outcome)
            assert not posted, account
            assert bill is None or bill.rehearsed, account
            totals.add(bill and bill.total)
            if provider == TWICE_ON:
                twin, posted = bill_and_posted(real, account, pays, provider, ends, outcome)
                assert posted, account
                assert twin == (bill and replace(bill, rehearsed=False)), account
    assert len(totals) >= 3, "not all ends cost the same"


def bill_and_posted(
    world: World,
    account: str,
    pays: Callable[[Engine, str], None],
    provider: str,
    ends: Callable[[World, Run], None],
    outcome: Outcome,
) -> tuple[Bill | None, bool]:
    """The bill of a run that ends like that, and whether any row of the books is another since."""
    pays(world.engine, account)
    world.clock.sleep(60)
    before = world.money()
    scenario, options = PAYERS[pays]
    run = world.accept(scenario, account, provider, **options)
    looked_at(world, account, run, before)
    ends(world, run)
    ended = world.engine.runs.show(run.id)
    assert (ended.run.state, ended.run.outcome) == (RunState.ENDED, outcome), ended.run.reason
    looked_at(world, account, run, before)
    return ended.bill, world.money() != before


def looked_at(world: World, account: str, run: Run, before: Mapping[str, list[Any]]) -> None:
    """What the commands show of a rehearsal, while it goes on and afterwards: nothing of it."""
    if world.is_real:
        return
    assert world.money() == before
    reports, view = world.engine.reports, world.engine.accounts.show(account)
    assert view.reserved_li_minutes == 0
    assert view.charged_usd_micros == sum(each.usd_micros for each in reports.invoices(account))
    assert reports.usage(account).runs == ()
    assert run.id in {each.id for each in world.engine.runs.list(account)}
    assert not [each for each in reports.ledger(account) if run.id in each.cause]
    for department in world.engine.departments.list(account):
        assert department.wallet.spent_usd_micros == department.wallet.reserved_usd_micros == 0


def too_few_credits(world: World) -> Run:
    world.engine.accounts.open("acme", plan="starter")
    return world.accept(load(400), "acme", "aws")


def too_small_a_wallet(world: World) -> Run:
    wallet(world.engine, "acme")
    world.engine.departments.limit("acme", DEPARTMENT, 1_000_000)
    return world.accept(CHECKOUT, "acme", "aws", department=DEPARTMENT)


def a_payment_that_is_overdue(world: World) -> Run:
    starter(world.engine, "acme")
    world.engine.accounts.extra_credits("acme", 5_000)
    world.engine.accounts.set_card("acme", DECLINES)
    world.clock.sleep(40 * 86_400)
    return world.accept(load(700), "acme", "aws")


def a_subscription_that_has_ended(world: World) -> Run:
    starter(world.engine, "acme")
    world.engine.accounts.cancel("acme", by="jo")
    world.engine.accounts.confirm_cancel("acme", representative="ann")
    world.clock.sleep(40 * 86_400)
    return world.accept(CHECKOUT, "acme", "aws")


def more_than_the_plan_allows(world: World) -> Run:
    world.engine.accounts.open("acme", plan="trial")
    return world.accept(load(400), "acme", "aws")


def a_price_above_the_cap(world: World) -> Run:
    on_demand(world.engine, "acme")
    return world.accept(CHECKOUT, "acme", "aws", max_usd_micros=10_000)


def a_department_that_nobody_has(world: World) -> Run:
    on_demand(world.engine, "acme")
    return world.accept(CHECKOUT, "acme", "aws", department=DEPARTMENT)


@pytest.mark.parametrize(
    "refused",
    [
        too_few_credits,
        too_small_a_wallet,
        a_payment_that_is_overdue,
        a_subscription_that_has_ended,
        more_than_the_plan_allows,
        a_price_above_the_cap,
        a_department_that_nobody_has,
    ],
    ids=lambda refused: refused.__name__,
)
def test_a_rehearsal_is_refused_as_a_real_run_would_be(
    refused: Callable[[World], Run], make_world: Make
) -> None:
    said = []
    for is_real in (False, True):
        with pytest.raises(LoadmusterError) as error:
            refused(make_world(is_real=is_real))
        said.append((type(error.value), error.value.message, error.value.facts))
    assert said[0] == said[1]


def test_a_rehearsal_posts_nothing_that_is_due(make_world: Make) -> None:
    world = make_world(is_real=False)
    world.engine.accounts.open("acme", plan="starter")
    before = world.money()
    world.clock.sleep(70 * 86_400)
    run = world.accept(CHECKOUT, "acme", "aws")
    to_its_end(world, run)
    assert world.money() == before
    due = world.engine.accounts.show("acme")
    assert due.due_usd_micros > 0
    assert due.balance_li_minutes > 1_800, "what is due is granted"


def test_rehearsals_at_once_each_see_all_that_the_account_has(make_world: Make) -> None:
    rehearsing, real = make_world(is_real=False), make_world(is_real=True)
    for world in (rehearsing, real):
        starter(world.engine, "acme")
        world.accept(load(250), "acme", "aws")
    rehearsing.accept(load(250), "acme", "aws")
    with pytest.raises(RefusedError, match="1,500 LI-minutes, 300 are available"):
        real.accept(load(250), "acme", "aws")


def test_the_same_request_is_one_rehearsal(make_world: Make) -> None:
    world = make_world(is_real=False)
    starter(world.engine, "acme")
    first = world.accept(CHECKOUT, "acme", "aws", request_id="build-7")
    to_its_end(world, first)
    again = world.accept(CHECKOUT, "acme", "aws", request_id="build-7")
    assert (again.id, again.outcome) == (first.id, Outcome.COMPLETED)
    with world.engine._context.reading() as conn:
        assert len(conn.execute(select(REHEARSED_CHARGES)).all()) == 1


def test_an_account_is_not_deleted_while_a_rehearsal_goes_on(make_world: Make) -> None:
    world = make_world(is_real=False)
    on_demand(world.engine, "acme")
    run = world.accept(CHECKOUT, "acme", "aws")
    with pytest.raises(RefusedError, match="1 open run;"):
        world.engine.accounts.delete("acme")
    to_its_end(world, run)
    view = world.engine.runs.show(run.id)
    assert view.bill is not None
    assert view.bill.total == run.order.quote.total
    world.engine.accounts.delete("acme")
    assert world.engine.runs.list() == []


def test_a_rehearsal_that_was_charged_for_real_goes_on_and_reads_as_such(make_world: Make) -> None:
    world = make_world(is_real=True)
    on_demand(world.engine, "acme")
    run = world.accept(CHECKOUT, "acme", "aws")
    # Driven by the product as it is, to which the run is a rehearsal.
    to_its_end(world, run)
    view = world.engine.runs.show(run.id)
    assert view.run.order.rehearsal
    assert view.bill is not None
    assert not view.bill.rehearsed
    (invoice,) = world.engine.reports.invoices("acme")
    assert invoice.usd_micros == view.bill.total == run.order.quote.total


def test_the_timeline_says_that_a_charge_is_rehearsed(make_world: Make) -> None:
    said = []
    for is_real in (False, True):
        world = make_world(is_real=is_real)
        on_demand(world.engine, "acme")
        run = world.accept(CHECKOUT, "acme", "aws")
        to_its_end(world, run)
        timeline = world.engine.runs.store.timeline(run.id)
        said += [each.detail for each in timeline if each.name == "charged"]
    assert said == [
        "rehearsed: start-up and use, with the intent to launch",
        "start-up and use, with the intent to launch",
    ]
