"""No table of money loses a row or forgets what a row is about, whoever is at the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from engine.api import Engine
from kernel.clock import ManualClock
from pricing import tables
from pricing.payments.attempts import begin_attempt
from pricing.payments.gateway import PaymentRequest
from pricing.plans.channels import Channel
from pricing.tables import (
    EXTRA_PURCHASES,
    FREE,
    HISTORY,
    KEPT,
    METADATA,
    SELLERS,
    TAX_LINES,
    TOLD_TAXES,
)
from tests.loadmuster.api.test_one_instant import CHECKOUT, REQUEST

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
DELETE = "DELETE FROM {}"
OTHER_ROWS: dict[sa.Table, dict[str, object]] = {
    SELLERS: {
        "in_force_from": NOW,
        "recorded_at": NOW,
        "document": {},
        "payment_days": 14,
        "series": "INV",
    },
    TOLD_TAXES: {
        "account_id": "acme",
        "question": "q",
        "service": "s",
        "document": {},
        "told_at": NOW,
    },
    TAX_LINES: {
        "account_id": "acme",
        "natural_key": "k",
        "cause": "c",
        "treatment": "t",
        "country": "DE",
        "rate_ppm": 190_000,
        "net_usd_micros": 1,
        "tax_usd_micros": 1,
    },
}
"""Of tables that this story does not come by."""

REWRITE = "UPDATE {0} SET {1} = {1}"


@pytest.fixture
def db(database_url: str) -> Iterator[sa.Engine]:
    """Books with a row in every table of money."""
    clock = ManualClock(NOW)
    with Engine(database_url, clock=clock, new_id=lambda: "run-1", environment={}) as engine:
        engine.billing.set_seller(name="Muster", country="FR", valid_from=NOW)
        engine.accounts.open("acme", plan="starter")
        engine.departments.add("acme", "lab")
        engine.departments.allocate("acme", "lab", 600)
        engine.runs.accept(CHECKOUT, **REQUEST, department="lab")
        engine.accounts.extra_credits("acme", 60)
        engine.accounts.heal("acme")
        engine.accounts.refund("acme", invoice="INV-2027-000001", reason="slow")
        engine.accounts.to_on_demand("acme")
        clock.move_to(NOW + timedelta(days=40))
        engine.accounts.set_card("acme", "visa")
        engine.accounts.advance()
        engine.books.close("2027-01")
        db = engine._context.db
        with db.begin() as conn:
            lot = conn.execute(text("SELECT min(id) FROM lots")).scalar_one()
            conn.execute(EXTRA_PURCHASES.insert().values(run_id="run-1", lot_id=lot, usd_micros=1))
            for table, row in OTHER_ROWS.items():
                conn.execute(table.insert().values(row))
            asked = PaymentRequest("run:run-1", "acme", 1, Channel.CARD, None, at_once=False)
            begin_attempt(conn, asked, 1, waiting=None, now=NOW)
        yield db


def pricing_tables() -> set[str]:
    """The tables of the books; those of runs and machines hold no money."""
    return {each.name for each in vars(tables).values() if isinstance(each, sa.Table)}


def test_every_table_of_the_books_is_history_or_kept_or_free_for_a_reason() -> None:
    assert {*HISTORY, *KEPT, *FREE} == pricing_tables()
    assert len(HISTORY) + len(KEPT) + len(FREE) == len(pricing_tables())


def refused(db: sa.Engine, statement: str) -> bool:
    """Whether triggers refuse it; nothing is kept of it either way."""
    with db.connect() as conn:
        try:
            conn.execute(text(statement))
        except IntegrityError as error:
            return "are history" in str(error) or "the month is closed" in str(error)
        finally:
            conn.rollback()
    return False


def test_no_row_of_a_table_of_money_can_be_deleted(db: sa.Engine) -> None:
    with db.connect() as conn:
        rows = {
            name: conn.execute(select(func.count()).select_from(METADATA.tables[name])).scalar_one()
            for name in (*HISTORY, *KEPT)
        }
    assert [name for name, number in rows.items() if not number] == []
    assert [name for name in rows if not refused(db, DELETE.format(name))] == []


def test_no_column_that_says_what_a_row_is_about_can_be_changed(db: sa.Engine) -> None:
    fixed = {
        (name, column.name) for name in HISTORY for column in METADATA.tables[name].columns
    } | {(name, column) for name, kept in KEPT.items() for column in kept.fixed}
    left = [
        f"{name}.{column}"
        for name, column in sorted(fixed)
        if name != "persons" and not refused(db, REWRITE.format(name, column))
    ]
    assert left == []


def test_what_moves_on_can_be_written_over(db: sa.Engine) -> None:
    moving = {
        name: column.name
        for name, kept in KEPT.items()
        if name != "persons"
        for column in METADATA.tables[name].columns
        if column.name not in kept.fixed
    }
    assert [n for n, column in moving.items() if refused(db, REWRITE.format(n, column))] == []


def test_no_table_of_money_can_be_emptied_or_replaced_in_one_go(db: sa.Engine) -> None:
    if db.dialect.name == "postgresql":
        assert [n for n in (*HISTORY, *KEPT) if not refused(db, f"TRUNCATE {n} CASCADE")] == []
        return
    replace = "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"
    assert [n for n in (*HISTORY, *KEPT) if not refused(db, replace.format(n))] == []


def test_only_what_lies_after_the_last_command_may_go(db: sa.Engine) -> None:
    for name in (name for name, kept in KEPT.items() if kept.future_may_go):
        assert refused(db, DELETE.format(name))
        with db.connect() as conn:
            conn.execute(
                text("UPDATE accounts SET last_command_at = :past"),
                {
                    "past": "2020-01-01 00:00:00.000000+00:00"[
                        : 26 if db.dialect.name == "sqlite" else 32
                    ]
                },
            )
            conn.execute(text(DELETE.format(name)))
            conn.rollback()
