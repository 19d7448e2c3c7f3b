"""Snapshots change what a balance costs, never what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, func, select, text

from engine.database import open_database, reading, transaction
from pricing.accounts.boosts import boost
from pricing.accounts.opening import open_account
from pricing.accounts.view import AccountView, account_view
from pricing.departments.commands import add_department, limit_wallet
from pricing.ledger import balances
from pricing.ledger.balances import (
    TAIL_MAX,
    BalanceUnsettledError,
    balance,
    balance_below,
    fold,
    held_on_lots,
)
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import Posting, Transaction, lock_ledger, post, post_all
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import Unit, quote_run
from pricing.reports.usage_records import usage_of_cycle
from pricing.run_charges.charges import InsufficientCreditsError, charge_start, correct, reserve
from pricing.tables import BALANCE_SNAPSHOTS, POSTINGS, SNAPSHOT_MARKS
from pricing.tariffs import LoadSize

OPENED = datetime.fromisoformat("2027-01-25T09:15:00+00:00")
PLANS = load_plans(BUNDLED_PLANS)


@dataclass(frozen=True)
class Wait:
    days: int


@dataclass(frozen=True)
class RunIt:
    """Reserve and charge a run; keep so many hundredths of it."""

    account_id: str
    injectors: int
    percent: int


@dataclass(frozen=True)
class Fold:
    account_id: str
    tail_max: int


@dataclass(frozen=True)
class Forget:
    """Delete snapshots: the mark of an account, or one snapshot of any."""

    account_id: str
    table: str


accounts = st.sampled_from(["acme", "globex"])
todos = st.lists(
    st.one_of(
        st.builds(Wait, st.integers(0, 70)),
        st.builds(RunIt, accounts, st.integers(1, 60), st.integers(0, 100)),
        st.builds(Fold, accounts, st.integers(0, 4)),
        st.builds(Forget, accounts, st.sampled_from(["snapshot_marks", "balance_snapshots"])),
    ),
    min_size=8,
    max_size=25,
)


def transfer(account_id: str, number: int, now: datetime, amount: int = 1) -> Transaction:
    return Transaction(
        account_id=account_id,
        natural_key=f"{account_id}:transfer:{number}",
        cause=f"{account_id}:transfer:{number}",
        description="a transfer",
        effective_at=now,
        recorded_at=now,
        postings=(
            Posting("receivable", Unit.USD, amount),
            Posting("revenue:use", Unit.USD, -amount),
        ),
    )


def sums(conn: Connection, account_id: str) -> dict[tuple[str, Unit], int]:
    """Every balance, from the postings alone."""
    rows = conn.execute(
        select(POSTINGS.c.ledger_account, POSTINGS.c.unit, func.sum(POSTINGS.c.amount))
        .where(POSTINGS.c.account_id == account_id)
        .group_by(POSTINGS.c.ledger_account, POSTINGS.c.unit)
    )
    return {(name, Unit(unit)): int(total) for name, unit, total in rows}


def check(conn: Connection, account_id: str) -> None:
    """What is read with snapshots is what the postings say."""
    expected = sums(conn, account_id)
    for (name, unit), total in expected.items():
        assert balance(conn, account_id, name, unit) == total, name
    earned = sum(total for (name, _), total in expected.items() if name.startswith("revenue:"))
    assert balance_below(conn, account_id, "revenue:", Unit.USD) == earned
    assert held_on_lots(conn, account_id) == {
        int(name[4:]): total
        for (name, _), total in expected.items()
        if name.startswith("lot:") and total
    }


def live(conn: Connection, todo: list[object]) -> None:
    """Do it all, and compare every view around whatever is done to the snapshots."""
    now = OPENED
    for account_id, plan in (("acme", "starter"), ("globex", "on-demand")):
        open_account(
            conn,
            account_id,
            PLANS[plan],
            timezone="Europe/Paris",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
    for number, command in enumerate(todo):
        match command:
            case Wait(days):
                now += timedelta(days=days)
            case RunIt(account_id, injectors, percent):
                run_it(conn, account_id, f"{account_id}-{number}", injectors, percent, now)
            case Fold(account_id, tail_max):
                before = account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY)
                fold(conn, account_id, tail_max=tail_max)
                assert account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY) == before
            case Forget(account_id, table):
                before = account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY)
                forget(conn, account_id, table)
                assert account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY) == before
        for account_id in ("acme", "globex"):
            check(conn, account_id)


def run_it(
    conn: Connection, account_id: str, run_id: str, injectors: int, percent: int, now: datetime
) -> None:
    plan = PLANS["starter" if account_id == "acme" else "on-demand"]
    quote = quote_run(plan, LoadSize(injectors=injectors, users=100 * injectors, duration_s=600))
    try:
        reserve(conn, account_id, run_id, quote, now=now, gateway=REHEARSED_GATEWAY)
    except InsufficientCreditsError:
        return
    charge_start(conn, run_id, now=now, gateway=REHEARSED_GATEWAY)
    keep_use = quote.use * percent // 100
    correct(
        conn,
        run_id,
        keep_startup=quote.startup,
        keep_use=keep_use,
        reason="cancelled",
        now=now,
        gateway=REHEARSED_GATEWAY,
    )
    issue_for_run(conn, run_id, now)


def forget(conn: Connection, account_id: str, table: str) -> None:
    """Delete the account's mark, or the one snapshot that comes first."""
    if table == "snapshot_marks":
        conn.execute(SNAPSHOT_MARKS.delete().where(SNAPSHOT_MARKS.c.account_id == account_id))
    else:
        columns = BALANCE_SNAPSHOTS.c
        first = select(func.min(columns.ledger_account)).where(columns.account_id == account_id)
        conn.execute(
            BALANCE_SNAPSHOTS.delete().where(
                columns.account_id == account_id, columns.ledger_account == first.scalar_subquery()
            )
        )


@pytest.fixture(scope="module")
def sqlite_books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    db = open_database(f"sqlite:///{tmp_path_factory.mktemp('balances') / 'books.db'}")
    yield db
    db.dispose()


@pytest.fixture(scope="module")
def postgres_books(postgres_server: Engine) -> Iterator[Engine]:
    with postgres_server.connect() as conn:
        conn.execute(text("CREATE DATABASE balances"))
    url = postgres_server.url.set(database="balances")
    db = open_database(url.render_as_string(hide_password=False))
    yield db
    db.dispose()
    with postgres_server.connect() as conn:
        conn.execute(text("DROP DATABASE balances WITH (FORCE)"))


def live_and_forget(db: Engine, todo: list[object]) -> None:
    with db.connect() as conn:
        live(conn, todo)
        conn.rollback()


@settings(max_examples=20)
@given(todos)
def test_whatever_happens_to_snapshots_nothing_else_changes(
    sqlite_books: Engine, todo: list[object]
) -> None:
    live_and_forget(sqlite_books, todo)


@settings(max_examples=8)
@given(todos)
def test_whatever_happens_to_snapshots_nothing_else_changes_on_postgresql(
    postgres_books: Engine, todo: list[object]
) -> None:
    live_and_forget(postgres_books, todo)


def marks(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(SNAPSHOT_MARKS)).scalar_one())


def snapshots(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(BALANCE_SNAPSHOTS)).scalar_one())


def view_of(db: Engine, account_id: str, now: datetime) -> AccountView:
    with transaction(db) as conn:
        return account_view(conn, account_id, now, gateway=REHEARSED_GATEWAY)


def test_a_command_folds_a_long_tail_and_a_read_does_not(
    db: Engine, globex: str, now: datetime
) -> None:
    with transaction(db) as conn:
        post_all(conn, [transfer(globex, number, now) for number in range(TAIL_MAX // 2)])
    view_of(db, globex, now)
    with transaction(db) as conn:
        assert marks(conn) == 0
        post(conn, transfer(globex, -1, now))
    with reading(db) as conn:
        assert balance(conn, globex, "receivable", Unit.USD) == TAIL_MAX // 2 + 1
        assert marks(conn) == 0
    before = view_of(db, globex, now)
    with reading(db) as conn:
        assert (marks(conn), snapshots(conn)) == (1, 2)
        check(conn, globex)
    assert before.charged_usd_micros == TAIL_MAX // 2 + 1
    for table in ("snapshot_marks", "balance_snapshots"):
        with transaction(db) as conn:
            forget(conn, globex, table)
        assert view_of(db, globex, now) == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM snapshot_marks WHERE account_id = 'globex'",
        "DELETE FROM balance_snapshots WHERE ledger_account = 'receivable'",
        "DELETE FROM balance_snapshots",
    ],
)
def test_snapshots_are_deleted_as_a_whole(
    db: Engine, globex: str, now: datetime, statement: str
) -> None:
    with transaction(db) as conn:
        post(conn, transfer(globex, 1, now))
        assert fold(conn, globex, tail_max=0)
        assert (marks(conn), snapshots(conn)) == (1, 2)
        conn.execute(text(statement))
        assert (marks(conn), snapshots(conn)) == (0, 0)
        check(conn, globex)


def test_a_truncated_table_of_snapshots_takes_the_marks_along(
    postgres_books: Engine, now: datetime
) -> None:
    with postgres_books.connect() as conn:
        open_account(
            conn, "globex", PLANS["on-demand"], timezone="UTC", now=now, gateway=REHEARSED_GATEWAY
        )
        post(conn, transfer("globex", 1, now))
        assert fold(conn, "globex", tail_max=0)
        conn.execute(text("TRUNCATE balance_snapshots"))
        assert marks(conn) == 0
        check(conn, "globex")
        conn.rollback()


def test_an_account_has_its_own_snapshots(
    db: Engine, acme: str, globex: str, now: datetime
) -> None:
    with transaction(db) as conn:
        post_all(conn, [transfer(name, 1, now, amount=3) for name in (acme, globex)])
        assert fold(conn, globex, tail_max=0)
        post_all(conn, [transfer(name, 2, now, amount=4) for name in (acme, globex)])
        check(conn, acme)
        check(conn, globex)
        assert balance(conn, globex, "receivable", Unit.USD) == 7


def test_a_fold_between_the_two_steps_of_a_read_is_noticed(
    db: Engine, globex: str, now: datetime
) -> None:
    def step_in(times: int, first: int) -> tuple[Callable[..., None], list[int]]:
        done: list[int] = []

        def fold_meanwhile(_conn: Connection, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401 - an event's
            if "total" in statement and len(done) < times:
                done.append(len(done))
                with transaction(other) as conn:
                    lock_ledger(conn, globex)
                    post(conn, transfer(globex, first + len(done), now))
                    assert fold(conn, globex, tail_max=0)

        return fold_meanwhile, done

    other = open_database(db.url.render_as_string(hide_password=False))
    with transaction(db) as conn:
        post(conn, transfer(globex, 1, now))
    isolated = db.dialect.name == "sqlite"
    meddle, done = step_in(3, 100)
    event.listen(db, "before_cursor_execute", meddle)
    with reading(db) as conn:
        # SQLite's reader sees the books as they were when it began.
        assert balance(conn, globex, "receivable", Unit.USD) == (1 if isolated else 4)
    event.remove(db, "before_cursor_execute", meddle)
    assert done == ([0] if isolated else [0, 1, 2])
    if not isolated:
        meddle, _ = step_in(balances.READS_MAX, 200)
        event.listen(db, "before_cursor_execute", meddle)
        with reading(db) as conn, pytest.raises(BalanceUnsettledError, match="try again"):
            balance(conn, globex, "receivable", Unit.USD)
        event.remove(db, "before_cursor_execute", meddle)
    other.dispose()


def test_those_who_post_while_others_fold_lose_nothing(
    db: Engine, globex: str, now: datetime
) -> None:
    each = 30

    def worker(number: int) -> None:
        for turn in range(each):
            with transaction(db) as conn:
                if number % 2:
                    lock_ledger(conn, globex)
                    fold(conn, globex, tail_max=turn % 3)
                post(conn, transfer(globex, number * each + turn, now))

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(worker, range(4)))
    with transaction(db) as conn:
        assert balance(conn, globex, "receivable", Unit.USD) == 4 * each
        check(conn, globex)
        assert fold(conn, globex, tail_max=0)
        check(conn, globex)


def test_no_command_reads_all_of_an_accounts_history(sqlite_books: Engine, now: datetime) -> None:
    history = {
        *("postings", "transactions", "reservations", "slices", "lots", "lot_closures"),
        *("invoices", "invoice_lines", "changes", "periods", "requests", "department_runs"),
    }
    said: dict[str, Any] = {}

    def remember(_conn: Connection, _cursor: object, statement: str, given: Any, *_: Any) -> None:  # noqa: ANN401 - an event's
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            said[statement] = given

    with sqlite_books.connect() as conn:
        open_account(
            conn, "acme", PLANS["starter"], timezone="UTC", now=now, gateway=REHEARSED_GATEWAY
        )
        add_department(conn, "acme", "qa", now=now, gateway=REHEARSED_GATEWAY)
        limit_wallet(conn, "acme", "qa", 10**9, now=now, gateway=REHEARSED_GATEWAY)
        event.listen(sqlite_books, "before_cursor_execute", remember)
        account_view(conn, "acme", now + timedelta(days=800), gateway=REHEARSED_GATEWAY)
        later = now + timedelta(days=801)
        run_it(conn, "acme", "r1", 3, 50, later)
        boost(conn, "acme", now=later, request_id="b1", gateway=REHEARSED_GATEWAY)
        plan = PLANS["starter"]
        usage = LoadSize(injectors=500, users=50_000, duration_s=6000)
        reserve(
            conn,
            "acme",
            "r2",
            quote_run(plan, usage),
            now=later,
            department="qa",
            on_demand=quote_run(PLANS["on-demand"], LoadSize(injectors=1, users=1, duration_s=60)),
            gateway=REHEARSED_GATEWAY,
        )
        charge_start(conn, "r2", now=later, gateway=REHEARSED_GATEWAY)
        issue_for_run(conn, "r2", later)
        usage_of_cycle(conn, "acme", later, gateway=REHEARSED_GATEWAY)
        event.remove(sqlite_books, "before_cursor_execute", remember)
        plans = {
            statement: " ; ".join(
                row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            )
            for statement, given in said.items()
        }
        conn.rollback()
    assert len(plans) > 25
    for statement, how in plans.items():
        scanned = {words.split()[0] for words in how.split("SCAN ")[1:]}
        assert not history & scanned, (statement, how)
