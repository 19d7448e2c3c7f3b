"""Accounts that are renewed together have the books that they would have one by one."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Engine, func, select

from engine.database import transaction
from kernel.clock import ManualClock
from loadmuster import Engine as Loadmuster
from pricing.accounts import sweep
from pricing.accounts.account import find_account, list_accounts
from pricing.accounts.due import overlooked
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import set_card
from pricing.accounts.plan_changes import upgrade
from pricing.accounts.sweep import Advanced, advance_all, advance_one
from pricing.parties.billing_details import put_billing_details
from pricing.parties.party import Party
from pricing.parties.sellers import Seller, put_seller
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY, PaymentGateway
from pricing.payments.play_bank import PlayBank
from pricing.subscriptions.renewals import Renewal, write_renewals
from pricing.tables import (
    ACCOUNTS,
    LOT_CLOSURES,
    LOTS,
    PERIODS,
    POSTINGS,
    SUBSCRIPTIONS,
    TRANSACTIONS,
)
from tests.billing_simulator.invariants import broken
from tests.pricing.accounts.conftest import CopyOf
from tests.pricing.accounts.killed_sweep import PAGE
from tests.pricing.accounts.lives import OPENED, PLANS, Lives, books


def swept(db: Engine, now: datetime, *, page: int) -> list[str]:
    """Sweep; whom it looked at, in that order."""
    every = advance_all(partial(transaction, db), now, page=page, gateway=REHEARSED_GATEWAY)
    return [each.account_id for each in every]


class Order(NamedTuple):
    """Who was renewed together, and who was advanced, in the order of writing."""

    together: list[str]
    all: list[str]


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Order:
    """What the sweep does."""
    found = Order([], [])
    one = sweep.advance_one

    def together(conn: Connection, renewals: Sequence[Renewal], now: datetime) -> None:
        ids = [each.account.id for each in renewals]
        found.together.extend(ids)
        found.all.extend(ids)
        write_renewals(conn, renewals, now)

    def alone(*which: Any, gateway: PaymentGateway) -> Advanced:  # noqa: ANN401 - handed on
        found.all.append(which[1])
        return one(*which, gateway=gateway)

    monkeypatch.setattr(sweep, "write_renewals", together)
    monkeypatch.setattr(sweep, "advance_one", alone)
    return found


def name_parties(db: Engine, now: datetime) -> None:
    """A seller in Germany, another later, and customers here and there."""
    later = now + timedelta(days=40)
    with transaction(db) as conn:
        put_seller(conn, Seller(Party("Load GmbH", country="DE"), now), now=now)
        put_seller(conn, Seller(Party("Load SE", country="DE"), later, series="SE"), now=now)
        for number, account in enumerate(list_accounts(conn)):
            if country := ("DE", "FR", "US", None)[number % 4]:
                party = Party(name=account.id, country=country)
                put_billing_details(conn, account.id, party, now=now)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 6))]
)
def test_together_and_one_by_one_write_the_same_books(
    db: Engine, copy_of: CopyOf, order: Order, seed: int
) -> None:
    lives = Lives(db, seed)
    lives.open(30)
    if seed:
        name_parties(db, lives.now)
    lives.do(30, hours_max=12)
    for days in (9, 75):
        now = lives.now + timedelta(days=days)
        check_same_books(db, copy_of, order, now)
        assert 5 < len(order.together) < len(order.all)
        lives.now = now
        lives.do(15, hours_max=3)
        order.together.clear()
        order.all.clear()


def check_same_books(db: Engine, copy_of: CopyOf, order: Order, now: datetime) -> None:
    """Sweep, and advance the same accounts of a copy one by one in the same order."""
    other = copy_of(db)
    assert sorted(swept(db, now, page=12)) == sorted(order.all)
    for account_id in order.all:
        advance_one(partial(transaction, other), account_id, now, gateway=REHEARSED_GATEWAY)
    with db.connect() as ours, other.connect() as theirs:
        written, expected = books(ours), books(theirs)
        for table, rows in written.items():
            assert rows == expected[table], table
        assert list(overlooked(ours)) == []


def test_a_trial_that_ends_within_a_period_has_the_same_books(
    db: Engine, copy_of: CopyOf, order: Order
) -> None:
    with transaction(db) as conn:
        open_account(
            conn, "a0", PLANS["trial"], timezone="UTC", now=OPENED, gateway=REHEARSED_GATEWAY
        )
        bought = OPENED + timedelta(days=5)
        upgrade(
            conn, "a0", PLANS["starter"], now=bought, request_id="r0", gateway=REHEARSED_GATEWAY
        )
    check_same_books(db, copy_of, order, OPENED + timedelta(days=20))
    assert order.together == ["a0"]
    with db.connect() as conn:
        closed = conn.execute(select(LOT_CLOSURES.c.closed_at)).scalar_one()
    assert closed == OPENED + timedelta(days=14)


def test_who_has_owed_a_period_has_the_same_books(
    db: Engine, copy_of: CopyOf, order: Order
) -> None:
    days = timedelta(days=1)
    with transaction(db) as conn:
        open_account(
            conn, "a0", PLANS["basic"], timezone="UTC", now=OPENED, gateway=REHEARSED_GATEWAY
        )
        set_card(
            conn, "a0", DECLINES, now=OPENED + days, request_id="r0", gateway=REHEARSED_GATEWAY
        )
    for now, is_owing in ((OPENED + 40 * days, True), (OPENED + 70 * days, False)):
        check_same_books(db, copy_of, order, now)
        assert order.together == []
        with transaction(db) as conn:
            assert (find_account(conn, "a0").status == "payment_failure") == is_owing
            set_card(
                conn, "a0", "tok_good", now=now, request_id=f"r{now}", gateway=REHEARSED_GATEWAY
            )
        order.all.clear()


def by_name(conn: Connection) -> dict[str, list[str]]:
    """The books without the numbers of rows, which follow from who came first."""
    causes = {row.id: row.cause for row in conn.execute(select(LOTS))}
    keys = {row.id: row.natural_key for row in conn.execute(select(TRANSACTIONS))}

    def named(text: str) -> str:
        """A share's cause names the lot that it was taken from."""
        found = re.sub(r"\blot[: ](\d+)", lambda lot: f"lot {causes[int(lot[1])]}", text)
        return found if found == text else named(found)

    numbers = frozenset({"id", "transaction_id", "lot_id", "source_lot_id", "invoice_id"})
    found = {name: sorted(map(str, rows)) for name, rows in books(conn, without=numbers).items()}
    lines = conn.execute(select(POSTINGS).order_by(POSTINGS.c.id))
    found["postings"] = sorted(
        str((keys[line.transaction_id], line.ledger_account, line.unit, line.amount))
        for line in lines
    )
    return {name: [named(row) for row in rows] for name, rows in found.items()}


def sorted_by_name(conn: Connection) -> dict[str, list[str]]:
    return {name: sorted(rows) for name, rows in by_name(conn).items()}


def test_several_connections_write_the_same_books_as_one(
    postgres_db: Engine, copy_of: CopyOf
) -> None:
    lives = Lives(postgres_db, 21)
    lives.open(40)
    lives.do(20, hours_max=12)
    now = lives.now + timedelta(days=65)
    other = copy_of(postgres_db)
    together = advance_all(
        partial(transaction, postgres_db), now, page=4, workers=3, gateway=REHEARSED_GATEWAY
    )
    looked_at = [each.account_id for each in together]
    assert looked_at == swept(other, now, page=4)
    assert len(looked_at) == len(set(looked_at)) > 20
    with postgres_db.connect() as ours, other.connect() as theirs:
        assert sorted_by_name(ours) == sorted_by_name(theirs)


def test_books_that_somebody_else_has_locked_come_last(postgres_db: Engine) -> None:
    lives = Lives(postgres_db, 22)
    lives.open(12)
    now = lives.now + timedelta(days=32)
    holds, seen = postgres_db.connect(), []
    holds.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == "a004").with_for_update())
    sweeping = advance_all(
        partial(transaction, postgres_db), now, page=5, gateway=REHEARSED_GATEWAY
    )
    for each in sweeping:
        seen.append(each.account_id)
        if len(seen) == len(lives.accounts) - 1:
            assert "a004" not in seen
            holds.close()
    assert sorted(seen) == lives.accounts
    assert seen[-1] == "a004"


def test_a_page_with_a_row_in_the_way_is_advanced_one_by_one(db: Engine, order: Order) -> None:
    lives = Lives(db, 23)
    lives.open(14)
    swept(db, lives.now, page=500)
    order.together.clear()
    now = lives.now + timedelta(days=32)
    with transaction(db) as conn:
        subscription = conn.execute(
            select(SUBSCRIPTIONS.c.account_id, PERIODS.c.subscription_id, PERIODS.c.n)
            .join(PERIODS, PERIODS.c.subscription_id == SUBSCRIPTIONS.c.id)
            .order_by(PERIODS.c.n.desc())
        ).first()
        assert subscription is not None
        cause = f"subscription:{subscription.subscription_id}:period:{subscription.n + 1}"
        conn.execute(
            LOTS.insert().values(
                account_id=subscription.account_id,
                kind="plan",
                priority=20,
                amount=1,
                effective_at=now,
                created_at=now,
                cause=cause,
            )
        )
    order.all.clear()
    assert sorted(swept(db, now, page=500)) == sorted(set(order.all))
    assert len(order.together) < len(order.all)
    with db.connect() as conn:
        assert list(overlooked(conn)) == []
        assert conn.execute(
            select(func.count()).where(PERIODS.c.starts_at > lives.now)
        ).scalar_one()


@pytest.mark.parametrize("statement", [9, pytest.param(47, marks=pytest.mark.long), 88])
def test_a_sweep_that_is_killed_leaves_whole_accounts_and_the_next_one_goes_on(
    db: Engine, copy_of: CopyOf, statement: int
) -> None:
    lives = Lives(db, 24)
    lives.open(20)
    now = lives.now + timedelta(days=40)
    other = copy_of(db)
    url = db.url.render_as_string(hide_password=False)
    db.dispose()
    command = [sys.executable, "-m", "tests.pricing.accounts.killed_sweep"]
    ended = subprocess.run([*command, url, now.isoformat(), str(statement)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with db.connect() as conn:
        assert db.dialect.name != "sqlite" or not broken(conn)
        done = conn.execute(select(func.count()).where(ACCOUNTS.c.last_command_at == now))
        assert (done.scalar_one() > 0) == (statement > 40)
    swept(db, now, page=PAGE)
    swept(other, now, page=PAGE)
    with db.connect() as ours, other.connect() as theirs:
        assert sorted_by_name(ours) == sorted_by_name(theirs)


class SlowBank(PlayBank):
    """A bank that takes its time, and notes how many wait for it."""

    def __init__(self) -> None:
        super().__init__(sleep=self._waits)
        self._counting = threading.Lock()
        self.waiting = self.most_waiting = 0

    def _waits(self) -> None:
        with self._counting:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        time.sleep(0.05)
        with self._counting:
            self.waiting -= 1


def test_a_real_gateway_is_asked_for_several_accounts_at_once_and_once_for_each(
    database_url: str,
) -> None:
    bank, clock = SlowBank(), ManualClock(datetime(2027, 1, 25, 9, tzinfo=UTC))
    with Loadmuster(database_url, clock=clock, gateway=bank) as engine:
        for number in range(12):
            plan = "starter" if number % 4 else "on-demand"
            engine.accounts.open(f"a{number}", plan=plan)
        bank.most_waiting = 0
        clock.sleep(40 * 86_400)
        assert engine.accounts.advance().failed == 0
        assert 1 < bank.most_waiting <= sweep.ASKED_AT_ONCE
        paid = Counter(each.request.account_id for each in bank.charges.values())
        assert list(paid.values()) == [2] * 9
        asked = bank.calls.total()
        looked_at: list[Advanced] = []
        assert engine.accounts.advance(watch=looked_at.append).accounts == 12
        assert (looked_at, bank.calls.total()) == ([], asked)
