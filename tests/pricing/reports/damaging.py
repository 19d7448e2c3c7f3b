"""Books of everything that there is, of which one value or row is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    Table,
    create_engine,
    select,
)

from pricing.payments.gateway import DECLINES
from pricing.reports.damage.finding import find_damage
from pricing.reports.damage.reading import Damage
from pricing.tables import CLOSED_MONTHS, METADATA
from pricing.tables.columns import Instant
from tests.independent_model.model.catalogue import as_toml
from tests.independent_model.model.story import Opening, Step
from tests.independent_model.product.desk import ACCOUNT, Desk

DAY_S = 86_400
CANCELLED = "cancel"


def written_books(database_url: str, folder: Path) -> Desk:
    """An account with which everything was done, and others beside it that are whole."""
    plans = folder / "plans.toml"
    plans.write_text(as_toml(), encoding="utf-8")
    opening = Opening(at=datetime(2027, 1, 25, tzinfo=UTC), timezone="UTC", plan="starter")
    desk = Desk(database_url, folder / "runs", plans, opening)
    billing = desk.engine.billing
    billing.set_seller(name="Load Ltd", country="DE", tax_id="DE136695976")
    assert desk.open() == ""
    billing.set_details("acme", name="Acme SA", country="FR")
    for step in (
        Step(do="add-department", department="qa"),
        Step(do="allocate", department="qa", amount=300),
        Step(do="limit", department="qa", amount=100_000_000),
        Step(do="boost"),
        Step(do="extra-credits", amount=5_000),
    ):
        assert desk.do(step)[0] == "", step
    runs = {
        "by-department": Step(do="run", department="qa", injectors=2, users=2, duration_s=600),
        "by-wallet": Step(do="run", department="qa", injectors=10, users=10, duration_s=3_600),
        "by-credits": Step(do="run", injectors=3, users=3, duration_s=1_200),
        "by-extra": Step(do="run", injectors=100, users=100, duration_s=2_400),
        "waiting": Step(do="run", injectors=1, users=1, duration_s=300),
    }
    for name, step in runs.items():
        assert desk.reserve(name, step) == "", name
        if name != "waiting":
            desk.start(name, "")
            desk.end(name, CANCELLED)
    desk.clock.sleep(40 * DAY_S)
    assert desk.do(Step(do="upgrade", plan="professional"))[0] == ""
    assert desk.do(Step(do="downgrade", plan="starter"))[0] == ""
    accounts = desk.engine.accounts
    first = desk.engine.reports.invoices(ACCOUNT)[0].number
    for usd_micros in (10_000_000, 20_000_000):
        accounts.refund(ACCOUNT, invoice=first, usd_micros=usd_micros, reason="it was slow")
    accounts.open("brief", plan="monthly")
    accounts.open("on-trial", plan="trial", administrators=["ann"])
    accounts.open("other", plan="starter")
    for account, plan in (("late", "starter"), ("void", "monthly")):
        accounts.open(account, plan=plan)
        accounts.set_card(account, DECLINES)
    desk.clock.sleep(70 * DAY_S)
    _close_a_month_unasked(desk)
    accounts.advance()
    accounts.set_card("late", "tok_visa")
    accounts.pay("late")
    return desk


def _close_a_month_unasked(desk: Desk) -> None:
    """As if April had been closed while renewals of it were not written."""
    row = {"ends_at": datetime(2027, 5, 1, tzinfo=UTC), "closed_at": desk.clock.now()}
    with desk.engine._context.transaction() as conn:
        conn.execute(CLOSED_MONTHS.insert().values(month="2027-04", **row))


@contextmanager
def unprotected(database_url: str) -> Iterator[Connection]:
    """A connection on which whatever is written is taken, and undone at the end."""
    db = create_engine(database_url)
    try:
        if db.dialect.name == "sqlite":
            db = db.execution_options(isolation_level="AUTOCOMMIT")
        with db.connect() as conn:
            if db.dialect.name == "sqlite":
                _take_off_guards(conn)
                conn.exec_driver_sql("BEGIN")
            else:
                conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
                _take_off_checks(conn)
            yield conn
            if db.dialect.name == "sqlite":
                conn.exec_driver_sql("ROLLBACK")
            else:
                conn.rollback()
    finally:
        db.dispose()


def _take_off_guards(conn: Connection) -> None:
    """Of a database that is this test's own: its triggers are gone for good."""
    conn.exec_driver_sql("PRAGMA foreign_keys = OFF")
    conn.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    for (name,) in conn.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).all():
        conn.exec_driver_sql(f'DROP TRIGGER "{name}"')


def _take_off_checks(conn: Connection) -> None:
    """What PostgreSQL would refuse itself; they come back with the transaction's end."""
    checks = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
    ours = f"{checks} AND connamespace = current_schema()::regnamespace"
    for table, name in conn.exec_driver_sql(ours).all():
        conn.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def without_a_row(conn: Connection, table: Table, row: dict[str, Any]) -> list[Damage]:
    """What is found when a row is gone; it comes back."""
    with conn.begin_nested() as undone:
        conn.execute(table.delete().where(*_key(table, row)))
        found = list(find_damage(conn))
        undone.rollback()
    return found


def with_a_value(
    conn: Connection, table: Table, row: dict[str, Any], column: Column[Any]
) -> list[Damage]:
    """What is found when a value is another one; it comes back."""
    with conn.begin_nested() as undone:
        conn.execute(
            table.update().where(*_key(table, row)).values({column.name: _other(column, row)})
        )
        found = list(find_damage(conn))
        undone.rollback()
    return found


def rows_of(conn: Connection, table: Table) -> list[dict[str, Any]]:
    """All rows, in the order of their keys."""
    ordered = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in conn.execute(ordered).mappings()]


def tables() -> dict[str, Table]:
    """Every table of the books."""
    return {table.name: table for table in METADATA.sorted_tables}


def _key(table: Table, row: dict[str, Any]) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key.columns]


def _other(column: Column[Any], row: dict[str, Any]) -> object:
    """A value of the right type that is not the one that was there."""
    value = row[column.name]
    kind = column.type
    if isinstance(kind, Instant):
        return datetime(2011, 1, 1, tzinfo=UTC) if value is None else value - timedelta(days=4_000)
    if isinstance(kind, Date):
        return date(2011, 1, 3) if value is None else value + timedelta(days=9)
    if isinstance(kind, Boolean):
        return not value
    if isinstance(kind, (BigInteger, Integer)):
        return 1_000_003 if value is None else value + 1_000_003
    if isinstance(kind, JSON):
        return {"damaged": True}
    return "damaged"
