"""A damaged row is found and told by name, in every table of the books, and stops nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, create_engine, text

from engine.database import transaction
from kernel.errors import LoadmusterError, RefusedError
from pricing.accounts.notices import NoticeGiven, give_notice
from pricing.accounts.overdue import pay, set_card
from pricing.accounts.sweep import advance_all
from pricing.parties.party import Party
from pricing.parties.sellers import Seller, put_seller
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.reports.damage.finding import RULES, find_damage
from tests.independent_model.product.desk import ACCOUNT, Desk
from tests.pricing.accounts.lives import PLANS, Lives
from tests.pricing.reports.damaging import (
    rows_of,
    tables,
    unprotected,
    with_a_value,
    without_a_row,
    written_books,
)

MONEY = (
    *("accounts", "subscriptions", "periods", "terms", "changes", "requests"),
    *("transactions", "postings", "lots", "lot_closures", "reservations", "slices"),
    *("departments", "department_lots", "department_runs", "extra_purchases"),
    *("invoices", "invoice_lines", "payments", "tax_lines", "refunds"),
)
MAY_GO = {"requests", "changes"}
"""Some of their rows can be told from nothing else: a request that bought nothing, and a change
that is over."""

STANDS_ALONE = {
    "accounts": {
        *("activated_at", "opened_at", "opening_hash", "card", "deleted_at", "test_clock"),
        *("next_due_at", "currency", "digest_key"),
    },
    "changes": {"id", "requested_by", "confirmed_by", "effective_period"},
    "departments": {"allocation_li_minutes", "limit_usd_micros", "created_at"},
    "invoice_lines": {"id", "description"},
    "lot_closures": {"closed_at"},
    "lots": {"created_at"},
    "payments": {"reason", "asked_at", "rehearsed", "had_card"},
    "postings": {"id"},
    "refunds": {"id", "keeps_credits", "asked", "reason", "said", "asked_at"},
    "requests": {"request_id", "command", "made_at"},
    "reservations": {"reserved_at"},
    "slices": {"position"},
    "subscriptions": {"undone_from"},
    "tax_lines": {"id"},
    "terms": {"id"},
    "transactions": {"description", "recorded_at"},
}
"""Columns of which nothing else in the books says what they were: wishes, words for people, and
instants that no figure hangs on. What else there is of them may be told all the same."""

NOT_IN_THESE_BOOKS = {
    "accounts": {"card_lost", "deleted_at", "suspended_since"},
    "changes": {"confirmed_by", "confirmed_at", "requested_by"},
    "payments": {"key"},
    "subscriptions": {"undone_from"},
}
"""Columns that are empty in all of their rows."""


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    written = written_books(database_url, tmp_path)
    yield written
    written.close()


def test_books_that_the_product_wrote_have_no_damage(desk: Desk, database_url: str) -> None:
    assert desk.engine.db.check() == ()
    with unprotected(database_url) as conn:
        empty = {name: _empty_columns(rows_of(conn, tables()[name])) for name in MONEY}
    assert {name: columns for name, columns in empty.items() if columns} == NOT_IN_THESE_BOOKS
    assert len(RULES) > 50
    assert {rule.table for rule in RULES} <= set(tables())


def _empty_columns(rows: list[dict[str, Any]]) -> set[str]:
    return {name for name in rows[0] if all(row[name] is None for row in rows)}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 8))]
)
def test_books_of_lives_by_chance_have_no_damage(db: Engine, seed: int) -> None:
    lives = Lives(db, seed)
    if seed % 2 == 0:
        seller = Seller(Party("Load Ltd", country="DE"), lives.now)
        with transaction(db) as conn:
            put_seller(conn, seller, now=lives.now)
    lives.open(10)
    dearer = replace(PLANS["starter"], monthly_usd_micros=249_000_000)
    opened = partial(transaction, db)
    for _ in range(2):
        lives.do(40, hours_max=12)
        given = give_notice(opened, dearer, now=lives.now, gateway=REHEARSED_GATEWAY)
        assert all(isinstance(each, NoticeGiven) for each in given)
        _check_whole(db)
        lives.now += timedelta(days=40)
        swept = advance_all(opened, lives.now, gateway=REHEARSED_GATEWAY)
        assert [each for each in swept if each.failure is not None] == []
        _check_whole(db)
    for of in lives.accounts:
        with suppress(RefusedError), opened() as conn:
            at, gateway = lives.now, REHEARSED_GATEWAY
            set_card(conn, of, "tok_good", now=at, request_id="card", gateway=gateway)
            pay(conn, of, now=at, request_id="pay", gateway=gateway)
    _check_whole(db)


def _check_whole(db: Engine) -> None:
    with db.connect() as conn:
        assert list(find_damage(conn)) == []


def test_a_row_that_is_gone_is_missed(desk: Desk, database_url: str) -> None:
    with unprotected(database_url) as conn:
        for name in MONEY:
            found = without_a_row(conn, tables()[name], rows_of(conn, tables()[name])[0])
            assert found or name in MAY_GO, name
            assert all(each.what for each in found)
    assert desk.engine.db.check() == ()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("postings", "amount"),
        ("lots", "amount"),
        ("payments", "usd_micros"),
        ("invoice_lines", "usd_micros"),
        ("periods", "payment"),
        ("terms", "document"),
        ("changes", "kind"),
        ("requests", "content_hash"),
        ("refunds", "usd_micros"),
        ("refunds", "invoice"),
    ],
)
def test_a_value_that_was_changed_is_told_with_its_row_and_its_account(
    desk: Desk, database_url: str, table: str, column: str
) -> None:
    del desk
    with unprotected(database_url) as conn:
        damaged = tables()[table]
        row = next(each for each in rows_of(conn, damaged) if each[column] is not None)
        found = with_a_value(conn, damaged, row, damaged.columns[column])
    assert ACCOUNT in {each.account_id for each in found}
    assert "other" not in {each.account_id for each in found}
    named = {each.table for each in found}
    # The rule that was broken may be about the row that the damaged one belongs to.
    assert named & {table, "transactions", "invoices"}, found


@pytest.mark.long
def test_whatever_is_changed_is_found_but_what_stands_alone(desk: Desk, database_url: str) -> None:
    del desk
    missed: dict[str, set[str]] = {}
    with unprotected(database_url) as conn:
        for name in MONEY:
            table = tables()[name]
            rows = rows_of(conn, table)
            for column in table.columns:
                row = next((each for each in rows if each[column.name] is not None), rows[0])
                if not with_a_value(conn, table, row, column):
                    missed.setdefault(name, set()).add(column.name)
    unexpected = {name: columns - STANDS_ALONE.get(name, set()) for name, columns in missed.items()}
    assert {name: columns for name, columns in unexpected.items() if columns} == {}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE terms SET document = '{}' WHERE account_id = 'acme'",
        "UPDATE lots SET kind = 'nothing' WHERE account_id = 'acme'",
        "UPDATE accounts SET timezone = 'Nowhere/Land' WHERE id = 'acme'",
        "UPDATE periods SET payment = 'perhaps' WHERE subscription_id = 1",
        "DELETE FROM periods WHERE subscription_id = 1",
        "DELETE FROM terms WHERE account_id = 'acme'",
    ],
)
def test_other_accounts_go_on_beside_one_whose_books_are_damaged(
    desk: Desk, database_url: str, damage: str
) -> None:
    _damage_for_good(database_url, damage)
    assert {each.account_id for each in desk.engine.db.check()} == {ACCOUNT}
    desk.clock.sleep(timedelta(days=40).total_seconds())
    told = {}
    desk.engine.accounts.advance(watch=lambda each: told.update({each.account_id: each.failure}))
    assert told["other"] is None
    assert told["brief"] is None
    assert desk.engine.accounts.boost("other").charged_usd_micros > 0
    failure = told.get(ACCOUNT)
    assert failure is None or isinstance(failure, LoadmusterError)
    # Periods that were lost are written again, and nothing is charged twice: that has a key.
    assert {each.account_id for each in desk.engine.db.check()} <= {ACCOUNT}


def _damage_for_good(database_url: str, damage: str) -> None:
    db = create_engine(database_url)
    with db.connect() as conn:
        if db.dialect.name == "sqlite":
            for (name,) in conn.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                conn.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(text(damage))
        conn.commit()
    db.dispose()
