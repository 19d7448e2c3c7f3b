"""Accounts that are renewed together have the books that they would have one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Engine

from engine.database import transaction
from pricing.accounts import sweep
from pricing.accounts.account import list_accounts
from pricing.accounts.due import overlooked
from pricing.accounts.sweep import Advanced, advance_all, advance_one
from pricing.parties.billing_details import put_billing_details
from pricing.parties.party import Party
from pricing.parties.sellers import Seller, put_seller
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentGateway
from pricing.subscriptions.renewals import Renewal, write_renewals
from tests.pricing.accounts.conftest import CopyOf
from tests.pricing.accounts.lives import Lives, books


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


@pytest.mark.parametrize("seed", range(2))
def test_together_and_one_by_one_write_the_same_books(
    db: Engine, copy_of: CopyOf, order: Order, seed: int
) -> None:
    lives = Lives(db, seed)
    lives.open(30)
    if seed:
        name_parties(db, lives.now)
    lives.do(30, hours_max=12)
    for days in (9, 31, 75):
        now = lives.now + timedelta(days=days)
        other = copy_of(db)
        assert sorted(swept(db, now, page=12)) == sorted(order.all)
        assert 5 < len(order.together) < len(order.all)
        for account_id in order.all:
            advance_one(partial(transaction, other), account_id, now, gateway=REHEARSED_GATEWAY)
        with db.connect() as ours, other.connect() as theirs:
            written, expected = books(ours), books(theirs)
            for table, rows in written.items():
                assert rows == expected[table], table
            assert list(overlooked(ours)) == []
        lives.now = now
        lives.do(15, hours_max=3)
        order.together.clear()
        order.all.clear()
