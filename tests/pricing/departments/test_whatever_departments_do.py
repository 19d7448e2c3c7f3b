"""Whatever departments do, in whatever order: sums are exact and no limit is passed.

LOADMUSTER_EXAMPLES and LOADMUSTER_STEPS make it longer: 2000 and 60 for a night.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from engine.database import open_database
from kernel.errors import RefusedError
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.departments.commands import add_department, allocate, department_view, limit_wallet
from pricing.departments.extra_credits import extra_credits_of, limit_extra_credits
from pricing.ledger.allocations import account_lots
from pricing.ledger.ledger import entries
from pricing.ledger.reservations import FundingSource
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote, Unit, quote_run
from pricing.run_charges.charges import charge_start, correct, reserve, void_reservation
from pricing.tariffs import LoadSize
from tests.patience import PATIENCE_S

EXAMPLES = int(os.environ.get("LOADMUSTER_EXAMPLES", "12"))
STEPS = int(os.environ.get("LOADMUSTER_STEPS", "20"))
PLANS = load_plans(BUNDLED_PLANS)
SIZE = LoadSize(injectors=1, users=100, duration_s=600)
IN_CREDITS = quote_run(PLANS["starter"], SIZE)
IN_MONEY = quote_run(PLANS["on-demand"], SIZE)
USD = 1_000_000
ACCOUNT = "acme"
DEPARTMENTS = ("research", "sales")


@dataclass(frozen=True)
class Step:
    """One command: what, of which department (None: the account), and a number."""

    what: str
    department: str | None
    number: int


@dataclass
class ARun:
    """A run as the test remembers it."""

    id: str
    department: str | None
    quote: Quote
    funding_source: FundingSource
    started_at: datetime | None = None
    kept: int = 0


@dataclass
class World:
    """What the books should say."""

    conn: Connection
    now: datetime
    waiting: list[ARun] = field(default_factory=list)
    started: list[ARun] = field(default_factory=list)
    made: int = 0


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ("run", "run", "run", "go", "go", "stop", "cancel", "wait", "set", "limit")
        ),
        st.sampled_from((*DEPARTMENTS, None)),
        st.integers(0, 900),
    ),
    min_size=5,
    max_size=STEPS,
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    file: Path = tmp_path_factory.mktemp("whatever") / "books.db"
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.mark.timeout(2 * PATIENCE_S + EXAMPLES * STEPS)
@settings(max_examples=EXAMPLES)
@given(steps)
def test_i12_i13_whatever_is_done_sums_are_exact_and_no_limit_is_passed(
    books: Engine, todo: list[Step]
) -> None:
    with books.connect() as conn:
        world = World(conn, datetime.fromisoformat("2026-01-31T12:00:00+00:00"))
        open_account(
            conn,
            ACCOUNT,
            PLANS["starter"],
            timezone="Europe/Paris",
            now=world.now,
            gateway=REHEARSED_GATEWAY,
        )
        for name in DEPARTMENTS:
            add_department(conn, ACCOUNT, name, now=world.now, gateway=REHEARSED_GATEWAY)
        for step in todo:
            DO[step.what](world, step)
        check(world)
        conn.rollback()


def start_a_run(world: World, step: Step) -> None:
    """Accept a run if it fits by the test's own count; else it is refused and nothing happens."""
    minutes = 1 + step.number
    credits_ = replace(IN_CREDITS, startup=1, use=minutes - 1, li_minutes=minutes)
    money = replace(IN_MONEY, startup=USD, use=minutes * 10_000)
    expected = expected_source(world, step.department, minutes, money.total)
    world.made += 1
    run_id = f"run-{world.made}"
    before = picture(world) if expected is None else None
    try:
        reserved = reserve(
            world.conn,
            ACCOUNT,
            run_id,
            credits_,
            department=step.department,
            on_demand=money,
            now=world.now,
            gateway=REHEARSED_GATEWAY,
        )
    except RefusedError:
        assert expected is None
        assert picture(world) == before
        return
    assert reserved.funding_source is expected
    world.waiting.append(ARun(run_id, step.department, reserved.quote, reserved.funding_source))


def expected_source(
    world: World, department: str | None, minutes: int, price: int
) -> FundingSource | None:
    """Who pays, by the rules."""
    if department is None:
        extra = extra_credits_of(world.conn, ACCOUNT, world.now).available_li_minutes
        free = sum(lot.available for lot in account_lots(world.conn, ACCOUNT, world.now))
        return FundingSource.ACCOUNT_CREDITS if minutes <= free + extra else None
    view = department_view(world.conn, ACCOUNT, department, world.now, gateway=REHEARSED_GATEWAY)
    if minutes <= view.balance_li_minutes - view.reserved_li_minutes:
        return FundingSource.DEPARTMENT_CREDITS
    spent, reserved = counted(world, department)
    return (
        FundingSource.WALLET if spent + reserved + price <= view.wallet.limit_usd_micros else None
    )


def counted(world: World, department: str) -> tuple[int, int]:
    """A department's money this month, spent and reserved, by the test's own count."""
    month = department_view(
        world.conn, ACCOUNT, department, world.now, gateway=REHEARSED_GATEWAY
    ).wallet.period
    spent = sum(
        run.kept
        for run in world.started
        if run.department == department
        and run.funding_source is FundingSource.WALLET
        and run.started_at is not None
        and month.start <= run.started_at < month.end
    )
    reserved = sum(
        run.quote.total
        for run in world.waiting
        if run.department == department and run.funding_source is FundingSource.WALLET
    )
    return spent, reserved


def launch(world: World, _step: Step) -> None:
    if world.waiting:
        run = world.waiting.pop(0)
        charge_start(world.conn, run.id, now=world.now, gateway=REHEARSED_GATEWAY)
        run.started_at, run.kept = world.now, run.quote.total
        world.started.append(run)


def give_up(world: World, _step: Step) -> None:
    if world.waiting:
        void_reservation(
            world.conn, world.waiting.pop().id, now=world.now, gateway=REHEARSED_GATEWAY
        )


def cancel(world: World, step: Step) -> None:
    """Cancel the run that was started last, if that was not done before."""
    if not world.started:
        return
    run = world.started[-1]
    if run.kept == run.quote.total and run.quote.use:
        keep_use = step.number % run.quote.use
        correct(
            world.conn,
            run.id,
            keep_startup=run.quote.startup,
            keep_use=keep_use,
            reason="cancelled",
            now=world.now,
            gateway=REHEARSED_GATEWAY,
        )
        run.kept = run.quote.startup + keep_use


def wait(world: World, step: Step) -> None:
    """Time passes, and the books are brought up to it."""
    world.now += timedelta(days=step.number % 40)
    account_view(world.conn, ACCOUNT, world.now, gateway=REHEARSED_GATEWAY)


def set_allocation(world: World, step: Step) -> None:
    """Allocate to a department; the sum is never above the grant."""
    if step.department is None:
        return
    other = next(name for name in DEPARTMENTS if name != step.department)
    others = department_view(
        world.conn, ACCOUNT, other, world.now, gateway=REHEARSED_GATEWAY
    ).department
    wanted = 2 * step.number
    before = picture(world)
    try:
        allocate(
            world.conn, ACCOUNT, step.department, wanted, now=world.now, gateway=REHEARSED_GATEWAY
        )
    except RefusedError:
        assert wanted + others.allocation_li_minutes > 1_800
        assert picture(world) == before
    else:
        assert wanted + others.allocation_li_minutes <= 1_800


def set_limit(world: World, step: Step) -> None:
    if step.department is None:
        limit_extra_credits(
            world.conn, ACCOUNT, step.number, now=world.now, gateway=REHEARSED_GATEWAY
        )
    else:
        limit_wallet(
            world.conn,
            ACCOUNT,
            step.department,
            step.number * 30_000,
            now=world.now,
            gateway=REHEARSED_GATEWAY,
        )


DO: dict[str, Callable[[World, Step], None]] = {
    "run": start_a_run,
    "go": launch,
    "stop": give_up,
    "cancel": cancel,
    "wait": wait,
    "set": set_allocation,
    "limit": set_limit,
}


def picture(world: World) -> object:
    """Everything that a refusal must leave as it is."""
    return (
        account_view(world.conn, ACCOUNT, world.now, gateway=REHEARSED_GATEWAY),
        [
            department_view(world.conn, ACCOUNT, name, world.now, gateway=REHEARSED_GATEWAY)
            for name in DEPARTMENTS
        ],
        extra_credits_of(world.conn, ACCOUNT, world.now),
        entries(world.conn, ACCOUNT),
    )


def check(world: World) -> None:
    """The invariants."""
    view = account_view(world.conn, ACCOUNT, world.now, gateway=REHEARSED_GATEWAY)
    views = [
        department_view(world.conn, ACCOUNT, name, world.now, gateway=REHEARSED_GATEWAY)
        for name in DEPARTMENTS
    ]
    own = account_lots(world.conn, ACCOUNT, world.now)
    assert view.balance_li_minutes == sum(lot.remaining for lot in own) + sum(
        each.balance_li_minutes for each in views
    )
    assert all(0 <= lot.reserved <= lot.remaining <= lot.amount for lot in view.lots)
    for each in views:
        wallet = each.wallet
        spent, reserved = counted(world, each.department.name)
        assert (wallet.spent_usd_micros, wallet.reserved_usd_micros) == (spent, reserved)

    written = entries(world.conn, ACCOUNT)
    held = used = issued = 0
    for entry in written:
        for unit in Unit:
            assert sum(p.amount for p in entry.postings if p.unit is unit) == 0
        for posting in entry.postings:
            if posting.unit is Unit.LI_MINUTES:
                held += posting.amount * posting.ledger_account.startswith("lot:")
                used += posting.amount * posting.ledger_account.startswith("used:")
                issued -= posting.amount * (posting.ledger_account == "issued")
    assert view.balance_li_minutes == held == issued - used
    assert used == sum(r.kept for r in world.started if r.quote.unit is Unit.LI_MINUTES)
