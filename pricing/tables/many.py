"""Many new rows at once, by the shortest way that a database has.

What may be there already is written with ``insert_once``; here a row whose key is taken is an
error of the database, and nothing of the transaction may be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, func, select, text

Bind = Callable[[Any], Any]


def insert_many(
    conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Write rows, none of which is there yet: one statement on SQLite, COPY on PostgreSQL.

    Args:
        conn: An open write transaction.
        table: Where.
        columns: The names of the columns that are given, in the order of each row's values.
        rows: The rows, in the order in which the database numbers them.
    """
    if not rows:
        return
    binds = [_bind(conn.dialect, table, name) for name in columns]
    bound = ([bind(value) for bind, value in zip(binds, row, strict=True)] for row in rows)
    quote = conn.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    if conn.dialect.name == "postgresql":
        _copy(conn, f"COPY {table.name} ({names}) FROM STDIN", bound)
        return
    values = ", ".join("?" for _ in columns)
    insert = f"INSERT INTO {table.name} ({names}) VALUES ({values})"  # noqa: S608 - names of ours
    conn.exec_driver_sql(insert, [tuple(row) for row in bound])


def new_ids(conn: Connection, table: Table, number: int) -> Iterator[int]:
    """Numbers for rows that are about to be written, ascending and nobody else's.

    Args:
        conn: An open write transaction.
        table: Of which the database numbers the rows.
        number: How many.
    """
    if conn.dialect.name == "postgresql":
        # As many rows as there are numbers wanted.
        drawn = text(
            "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :number)"
        )
        return iter(conn.execute(drawn, {"table": table.name, "number": number}).scalars().all())
    # SQLite has one writer, and numbers a row by the highest there is.
    last = int(conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())
    return iter(range(last + 1, last + number + 1))


def _copy(conn: Connection, statement: str, rows: Iterator[Sequence[object]]) -> None:
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _bind(dialect: Dialect, table: Table, name: str) -> Bind:
    """How a column's values are handed to the driver; each value is converted once."""
    processor = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    if processor is None:
        return lambda value: value
    known: dict[object, Any] = {}

    def bind(value: object) -> Any:  # noqa: ANN401 - the driver's own
        if value not in known:
            known[value] = processor(value)
        return known[value]

    return bind
