"""Whatever is done to the books, in whatever order and however often, they balance."""

from __future__ import annotations

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
from pricing.accounts import account_view, open_account
from pricing.charges import (
    InsufficientCreditsError,
    bill_of,
    charge_start,
    correct,
    reserve,
    void_reservation,
)
from pricing.invoices import issue_for_run, list_invoices
from pricing.ledger import entries
from pricing.plans import BUNDLED_PLANS, load_plans
from pricing.quotes import Quote, Unit, quote_run
from pricing.tariffs import Usage

PLANS = load_plans(BUNDLED_PLANS)
ACCOUNTS = {"acme": "starter", "globex": "on-demand", "initech": "starter"}


@dataclass(frozen=True)
class Wait:
    days: int


@dataclass(frozen=True)
class Open:
    account_id: str


@dataclass(frozen=True)
class Start:
    """Accept a run; then launch it, or give it up."""

    account_id: str
    injectors: int
    minutes: int
    launched: bool


@dataclass(frozen=True)
class Cancel:
    """End the latest run; keep so many hundredths of its two lines."""

    startup_percent: int
    use_percent: int


@dataclass
class World:
    """What the books should say."""

    now: datetime
    opened: set[str] = field(default_factory=set)
    credits: Counter[str] = field(default_factory=Counter)
    runs: list[tuple[str, Quote]] = field(default_factory=list)
    number: int = 0


accounts = st.sampled_from(sorted(ACCOUNTS))
commands = st.lists(
    st.one_of(
        st.builds(Wait, st.integers(0, 70)),
        st.builds(Open, accounts),
        st.builds(Start, accounts, st.integers(1, 150), st.integers(1, 40), st.booleans()),
        st.builds(Cancel, st.integers(0, 100), st.integers(0, 100)),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    file: Path = tmp_path_factory.mktemp("always") / "books.db"
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@settings(max_examples=60, deadline=None)
@given(commands, st.integers(1, 2), st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_the_books_always_balance(
    books: Engine, todo: list[object], times: int, offset: timedelta
) -> None:
    start = datetime.fromisoformat("2026-01-31T12:00:00+00:00") + offset
    with books.connect() as conn:
        world = World(start)
        for command in todo:
            do(conn, world, command, times)
        for account_id in sorted(world.opened):
            check(conn, world, account_id)
        conn.rollback()


def do(conn: Connection, world: World, command: object, times: int) -> None:
    """Send a command, once or more than once."""
    match command:
        case Wait(days):
            world.now += timedelta(days=days)
        case Open(account_id):
            for _ in range(times):
                plan = PLANS[ACCOUNTS[account_id]]
                open_account(conn, account_id, plan, timezone="Europe/Paris", now=world.now)
            world.opened.add(account_id)
        case Start(account_id, injectors, minutes, launched) if account_id in world.opened:
            usage = Usage(injectors=injectors, users=injectors * 100, duration_s=60 * minutes)
            quote = quote_run(PLANS[ACCOUNTS[account_id]], usage)
            start(conn, world, account_id, quote, times=times, launched=launched)
        case Cancel(startup_percent, use_percent) if world.runs:
            run_id, quote = world.runs.pop()
            cancel(conn, world, run_id, quote, (startup_percent, use_percent), times)


def start(
    conn: Connection, world: World, account_id: str, quote: Quote, *, times: int, launched: bool
) -> None:
    world.number += 1
    run_id = f"{account_id}-run-{world.number}"
    before = account_view(conn, account_id, world.now)
    try:
        for _ in range(times):
            reserve(conn, account_id, run_id, quote, now=world.now)
    except InsufficientCreditsError:
        assert quote.total > before.balance_li_minutes - before.reserved_li_minutes
        assert account_view(conn, account_id, world.now) == before
        return
    for _ in range(times):
        if launched:
            charge_start(conn, run_id, now=world.now)
        else:
            void_reservation(conn, run_id, now=world.now)
    if launched:
        world.runs.append((run_id, quote))
        world.credits[account_id] -= quote.total if quote.unit is Unit.LI_MINUTES else 0


def cancel(
    conn: Connection,
    world: World,
    run_id: str,
    quote: Quote,
    percents: tuple[int, int],
    times: int,
) -> None:
    keep_startup = quote.startup * percents[0] // 100
    keep_use = quote.use * percents[1] // 100
    for _ in range(times):
        correct(
            conn,
            run_id,
            keep_startup=keep_startup,
            keep_use=keep_use,
            reason="cancelled",
            now=world.now,
        )
        issue_for_run(conn, run_id, world.now)
    bill = bill_of(conn, run_id)
    assert bill is not None
    assert (bill.startup, bill.use) == (keep_startup, keep_use)
    assert 0 <= bill.li_minutes <= quote.li_minutes
    if quote.unit is Unit.LI_MINUTES:
        assert bill.li_minutes == bill.total
        world.credits[run_id.partition("-")[0]] += quote.total - bill.total


def check(conn: Connection, world: World, account_id: str) -> None:
    """The invariants of an account's books."""
    view = account_view(conn, account_id, world.now)
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
    assert view.balance_li_minutes == 1_800 * months + world.credits[account_id]
    assert view.balance_li_minutes == sum(
        amount for (name, _), amount in balances.items() if name.startswith("lot:")
    )
    assert all(0 <= lot.reserved <= lot.remaining <= lot.amount for lot in view.lots)
    assert view.charged_usd_micros == balances["receivable", Unit.USD] >= 0

    keys = [entry.natural_key for entry in written]
    assert len(keys) == len(set(keys))
    instants = [entry.effective_at for entry in written]
    assert instants == sorted(instants)
    numbers = [invoice.number for invoice in list_invoices(conn, account_id)]
    assert numbers == [f"{account_id}-{n:05d}" for n in range(1, len(numbers) + 1)]
