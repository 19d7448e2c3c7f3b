"""Whatever is done to the books, in whatever order and however often, they balance.

LOADMUSTER_EXAMPLES and LOADMUSTER_STEPS make it longer: 2000 and 60 for a night.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from engine.database import open_database
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.ledger.invoices import list_invoices
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import entries
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Quote, Unit, quote_run
from pricing.run_charges.charges import (
    InsufficientCreditsError,
    bill_of,
    charge_start,
    correct,
    reserve,
    void_reservation,
)
from pricing.tariffs import LoadSize
from tests.patience import PATIENCE_S

EXAMPLES = int(os.environ.get("LOADMUSTER_EXAMPLES", "40"))
STEPS = int(os.environ.get("LOADMUSTER_STEPS", "40"))
PLANS = load_plans(BUNDLED_PLANS)
ACCOUNTS = {"acme": "starter", "globex": "on-demand"}


@dataclass(frozen=True)
class Wait:
    days: int


@dataclass(frozen=True)
class OpenAgain:
    account_id: str


@dataclass(frozen=True)
class Accept:
    """Reserve a run."""

    account_id: str
    injectors: int
    minutes: int


@dataclass(frozen=True)
class Launch:
    """Charge the run that was accepted last, or give it up."""

    goes: bool


@dataclass(frozen=True)
class Cancel:
    """End the run that was launched last; keep so many hundredths of its two lines."""

    startup_percent: int
    use_percent: int


@dataclass
class World:
    """What the books should say."""

    now: datetime
    used: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)
    accepted: list[tuple[str, Quote]] = field(default_factory=list)
    launched: list[tuple[str, Quote]] = field(default_factory=list)
    number: int = 0


accounts = st.sampled_from(sorted(ACCOUNTS))
commands = st.lists(
    st.one_of(
        st.builds(Wait, st.integers(0, 70)),
        st.builds(OpenAgain, accounts),
        st.builds(Accept, accounts, st.integers(1, 120), st.integers(1, 20)),
        st.builds(Launch, st.booleans()),
        st.builds(Cancel, st.integers(0, 100), st.integers(0, 100)),
    ),
    min_size=10,
    max_size=STEPS,
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    file: Path = tmp_path_factory.mktemp("always") / "books.db"
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.mark.timeout(2 * PATIENCE_S + EXAMPLES * STEPS)
@settings(max_examples=EXAMPLES)
@given(commands, st.integers(1, 2), st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_the_books_always_balance(
    books: Engine, todo: list[object], times: int, offset: timedelta
) -> None:
    world = World(datetime.fromisoformat("2026-01-31T12:00:00+00:00") + offset)
    with books.connect() as conn:
        for account_id in ACCOUNTS:
            open_it(conn, account_id, world.now)
        for command in todo:
            do(conn, world, command, times)
        for account_id in ACCOUNTS:
            check(conn, world, account_id)
        conn.rollback()


def open_it(conn: Connection, account_id: str, now: datetime) -> None:
    plan = PLANS[ACCOUNTS[account_id]]
    open_account(
        conn, account_id, plan, timezone="Europe/Paris", now=now, gateway=REHEARSED_GATEWAY
    )


def do(conn: Connection, world: World, command: object, times: int) -> None:
    """Send a command, once or more than once."""
    match command:
        case Wait(days):
            world.now += timedelta(days=days)
        case OpenAgain(account_id):
            open_it(conn, account_id, world.now)
        case Accept(account_id, injectors, minutes):
            usage = LoadSize(injectors=injectors, users=injectors * 100, duration_s=60 * minutes)
            accept(conn, world, account_id, quote_run(PLANS[ACCOUNTS[account_id]], usage), times)
        case Launch(goes) if world.accepted:
            launch(conn, world, goes=goes, times=times)
        case Cancel(startup_percent, use_percent) if world.launched:
            cancel(conn, world, startup_percent, use_percent, times)


def accept(conn: Connection, world: World, account_id: str, quote: Quote, times: int) -> None:
    world.number += 1
    run_id = f"{account_id}-run-{world.number}"
    before = account_view(conn, account_id, world.now, gateway=REHEARSED_GATEWAY)
    free = before.balance_li_minutes - world.reserved[account_id]
    fits = quote.unit is Unit.USD or quote.total <= free
    if not fits:
        with pytest.raises(InsufficientCreditsError) as refused:
            reserve(conn, account_id, run_id, quote, now=world.now, gateway=REHEARSED_GATEWAY)
        assert refused.value.facts["available"] == free
        assert account_view(conn, account_id, world.now, gateway=REHEARSED_GATEWAY) == before
        return
    for _ in range(times):
        reserve(conn, account_id, run_id, quote, now=world.now, gateway=REHEARSED_GATEWAY)
    world.accepted.append((run_id, quote))
    world.reserved[account_id] += credits_of(quote)


def launch(conn: Connection, world: World, *, goes: bool, times: int) -> None:
    run_id, quote = world.accepted.pop()
    account_id = run_id.partition("-")[0]
    for _ in range(times):
        if goes:
            charge_start(conn, run_id, now=world.now, gateway=REHEARSED_GATEWAY)
        else:
            void_reservation(conn, run_id, now=world.now, gateway=REHEARSED_GATEWAY)
    world.reserved[account_id] -= credits_of(quote)
    if goes:
        world.launched.append((run_id, quote))
        world.used[account_id] += credits_of(quote)


def cancel(
    conn: Connection, world: World, startup_percent: int, use_percent: int, times: int
) -> None:
    run_id, quote = world.launched.pop()
    keep_startup = quote.startup * startup_percent // 100
    keep_use = quote.use * use_percent // 100
    for _ in range(times):
        correct(
            conn,
            run_id,
            keep_startup=keep_startup,
            keep_use=keep_use,
            reason="cancelled",
            now=world.now,
            gateway=REHEARSED_GATEWAY,
        )
        issue_for_run(conn, run_id, world.now)
    bill = bill_of(conn, run_id)
    assert bill is not None
    assert (bill.startup, bill.use) == (keep_startup, keep_use)
    assert 0 <= bill.li_minutes <= quote.li_minutes
    if quote.unit is Unit.LI_MINUTES:
        assert bill.li_minutes == bill.total
        world.used[run_id.partition("-")[0]] -= quote.total - bill.total


def credits_of(quote: Quote) -> int:
    return quote.total if quote.unit is Unit.LI_MINUTES else 0


def check(conn: Connection, world: World, account_id: str) -> None:
    """The invariants of an account's books."""
    view = account_view(conn, account_id, world.now, gateway=REHEARSED_GATEWAY)
    written = entries(conn, account_id)
    balances: Counter[tuple[str, Unit]] = Counter()
    for entry in written:
        for posting in entry.postings:
            balances[posting.ledger_account, posting.unit] += posting.amount
        for unit in Unit:
            assert sum(p.amount for p in entry.postings if p.unit is unit) == 0
    for unit in Unit:
        assert sum(amount for (_, of), amount in balances.items() if of is unit) == 0

    # What was granted is what was paid for, and what is left of it is what was not used.
    months = -balances["revenue:subscription", Unit.USD] // 199_000_000
    assert -balances["issued", Unit.LI_MINUTES] == 1_800 * months
    assert view.balance_li_minutes == 1_800 * months - world.used[account_id]
    assert view.reserved_li_minutes == world.reserved[account_id]
    assert view.balance_li_minutes == sum(
        amount for (name, _), amount in balances.items() if name.startswith("lot:")
    )
    assert all(0 <= lot.reserved <= lot.remaining <= lot.amount for lot in view.lots)
    cash, credit = balances["cash", Unit.USD], balances["credit", Unit.USD]
    assert balances["receivable", Unit.USD] == 0
    assert view.charged_usd_micros == cash + credit >= 0
    assert view.credit_usd_micros == -credit >= 0

    keys = [entry.natural_key for entry in written]
    assert len(keys) == len(set(keys))
    instants = [entry.effective_at for entry in written]
    assert instants == sorted(instants)
    numbers = [invoice.number for invoice in list_invoices(conn, account_id)]
    assert numbers == [f"{account_id}-{n:05d}" for n in range(1, len(numbers) + 1)]
