"""Values that no program of ours writes: wrong types, references to nothing, broken documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Date,
    Integer,
    Table,
    Text,
)

from kernel.errors import LoadmusterError
from pricing.periods import Anchor, check_timezone, period
from pricing.plans.channels import Channel
from pricing.plans.file import plan_from_json
from pricing.plans.quotes import Unit, quote_from_json
from pricing.reports.damage.reading import (
    Damage,
    as_day,
    as_document,
    as_instant,
    raw_rows,
)
from pricing.tables import METADATA, Instant
from pricing.tables.columns import RowId

DAY = timedelta(days=1)


def tables_of_books() -> list[Table]:
    """Every table of the books, those that others refer to first."""
    return list(METADATA.sorted_tables)


def wrong_types(conn: Connection) -> Iterator[Damage]:
    """Values of another type than their column; only SQLite takes such."""
    if conn.dialect.name != "sqlite":
        return
    for table in tables_of_books():
        for column in table.columns:
            wrong = _wrong_type(column)
            if wrong is None:
                continue
            yield from _rows(conn, table, wrong, f"{column.name} is no {_kind(column)}")


def dangling(conn: Connection) -> Iterator[Damage]:
    """References that lead to no row."""
    for table in tables_of_books():
        for column in table.columns:
            for reference in column.foreign_keys:
                target = reference.column
                key = f"{table.name}.{column.name}"
                there = f"(SELECT {target.name} FROM {target.table.name})"  # noqa: S608
                sql = f"{key} IS NOT NULL AND {key} NOT IN {there}"
                yield from _rows(conn, table, sql, f"its {column.name} leads to no row")


def unreadable(conn: Connection) -> Iterator[Damage]:
    """Documents that cannot be read, and words that nothing stands for."""
    for row in raw_rows(conn, "SELECT id, timezone, channel FROM accounts ORDER BY id"):
        if row[1] not in available_timezones():
            yield Damage("accounts", str(row[0]), str(row[0]), f"there is no time zone {row[1]!r}")
        if row[2] not in set(Channel):
            yield Damage("accounts", str(row[0]), str(row[0]), f"there is no channel {row[2]!r}")
    for row in raw_rows(conn, "SELECT id, account_id, plan, document FROM terms ORDER BY id"):
        if (what := _plan_fault(row[3], str(row[2]))) is not None:
            yield Damage("terms", str(row[0]), str(row[1]), what)
    changes = "SELECT id, account_id, document FROM changes WHERE document IS NOT NULL ORDER BY id"
    for row in raw_rows(conn, changes):
        document = as_document(row[2])
        if document is not None and (what := _plan_fault(document, None)) is not None:
            yield Damage("changes", str(row[0]), str(row[1]), what)
    for row in raw_rows(conn, "SELECT run_id, account_id, quote FROM reservations ORDER BY run_id"):
        try:
            quote_from_json(cast("Mapping[str, Any]", as_document(row[2])))
        except (LoadmusterError, ValueError, TypeError):
            yield Damage("reservations", str(row[0]), str(row[1]), "its quote cannot be read")


def off_their_anchor(conn: Connection) -> Iterator[Damage]:
    """Periods that do not begin on the day that their subscription counts from.

    A day off is none: the zone's own rules may have changed since a period was written.
    """
    sql = (
        "SELECT p.subscription_id, s.account_id, s.anchor_day, s.timezone, p.n, p.starts_at "
        "FROM periods p JOIN subscriptions s ON s.id = p.subscription_id "
        "ORDER BY p.subscription_id, p.n"
    )
    for subscription, account, day, zone, n, starts_at in raw_rows(conn, sql):
        try:
            anchor = Anchor(as_day(day), check_timezone(str(zone)))
            begins = period(anchor, int(str(n))).start
            is_off = abs(begins - as_instant(starts_at)) > DAY
        except (LoadmusterError, ValueError, OverflowError):
            is_off = True
        if is_off:
            what = f"period {n} begins at {starts_at}, not on the day of {day}"
            yield Damage("periods", str(subscription), str(account), what)


def misfiled(conn: Connection) -> Iterator[Damage]:
    """Departments that are found under another name, and runs with another share of a wallet."""
    for row in raw_rows(
        conn, "SELECT id, account_id, name, folded_name FROM departments ORDER BY id"
    ):
        if str(row[2]).strip().casefold() != row[3]:
            what = f"it is called {row[2]} and filed as {row[3]}"
            yield Damage("departments", str(row[0]), str(row[1]), what)
    sql = (
        "SELECT d.run_id, r.account_id, r.quote, d.wallet_usd_micros FROM department_runs d "
        "JOIN reservations r ON r.run_id = d.run_id ORDER BY d.run_id"
    )
    for run, account, quoted, kept in raw_rows(conn, sql):
        try:
            quote = quote_from_json(cast("Mapping[str, Any]", as_document(quoted)))
        except (LoadmusterError, ValueError, TypeError):
            continue
        wanted = quote.total if quote.unit is Unit.USD else 0
        if kept != wanted:
            what = f"its wallet holds {kept} micro-dollars for it, and it was quoted {wanted}"
            yield Damage("department_runs", str(run), str(account), what)


def _plan_fault(document: object, name: str | None) -> str | None:
    try:
        plan = plan_from_json(cast("Mapping[str, Any]", as_document(document)))
    except (LoadmusterError, ValueError, TypeError):
        return "its plan cannot be read"
    if name is not None and plan.name != name:
        return f"its plan is {plan.name} in the document and {name} beside it"
    return None


def _rows(conn: Connection, table: Table, where: str, what: str) -> Iterator[Damage]:
    keys = [column.name for column in table.primary_key.columns]
    account = _account_of(table)
    # Names of tables and columns of ours, and nothing else.
    sql = f"SELECT {', '.join(keys)}, {account} FROM {table.name} WHERE {where}"  # noqa: S608
    for row in raw_rows(conn, sql):
        owner = None if row[-1] is None else str(row[-1])
        yield Damage(table.name, " ".join(str(part) for part in row[:-1]), owner, what)


def _account_of(table: Table) -> str:
    """An expression for the account that a row belongs to."""
    if table.name == "accounts":
        return "id"
    if "account_id" in table.columns:
        return "account_id"
    for column in table.columns:
        for reference in column.foreign_keys:
            target = reference.column.table
            if "account_id" in target.columns:
                return (
                    f"(SELECT o.account_id FROM {target.name} o "  # noqa: S608
                    f"WHERE o.{reference.column.name} = {table.name}.{column.name})"
                )
    return "NULL"


def _wrong_type(column: Column[object]) -> str | None:
    """A condition that holds where a value is of another type than the column."""
    name = column.name
    if isinstance(column.type, Instant):
        return f"{name} IS NOT NULL AND {name} NOT LIKE '____-__-__ __:__:__%'"
    if isinstance(column.type, (BigInteger, Integer)) or column.type is RowId:
        return f"{name} IS NOT NULL AND typeof({name}) <> 'integer'"
    if isinstance(column.type, Date):
        return f"{name} IS NOT NULL AND {name} NOT LIKE '____-__-__'"
    if isinstance(column.type, JSON):
        return f"{name} IS NOT NULL AND NOT json_valid({name})"
    if isinstance(column.type, Text):
        return f"{name} IS NOT NULL AND typeof({name}) <> 'text'"
    return None


def _kind(column: Column[object]) -> str:
    kinds = {Instant: "instant", Date: "day", JSON: "document", Text: "text"}
    return next(
        (word for kind, word in kinds.items() if isinstance(column.type, kind)), "whole number"
    )
