"""Many rows at once, by the shortest way that a database has.

What may be there already is written with ``insert_once``; here a row whose key is taken is an
error of the database, and nothing of the transaction may be kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    TextClause,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

Bind = Callable[[Any], Any]
Row = tuple[object, ...]

FEW = 8
"""So many rows at most are written by one statement, whatever their number; to PostgreSQL more are
copied, which takes three ways there and back."""

ROWS_MAX = 256
"""Of one statement to SQLite: a row of many costs less than it does alone, and what a statement
takes of memory grows with them."""


def accounts_with(
    conn: Connection,
    table: Table,
    condition: ColumnElement[bool] | TextClause,
    after: str,
    *,
    limit: int,
) -> tuple[str, ...]:
    """The next accounts, by id, of which a table has a row that a condition holds for.

    Args:
        conn: An open connection.
        table: Has a column ``account_id``.
        condition: What the row has to be.
        after: The id after which they come.
        limit: At most so many.
    """
    account_id = table.c.account_id
    found = select(account_id).where(account_id > after, condition).distinct()
    return tuple(conn.execute(found.order_by(account_id).limit(limit)).scalars())


def insert_many(
    conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Write rows, none of which is there yet: a few statements, or COPY to PostgreSQL if many.

    Args:
        conn: An open write transaction.
        table: Where.
        columns: The names of the columns that are given, in the order of each row's values.
        rows: The rows, in the order in which the database numbers them.
    """
    if not rows:
        return
    bound = _bound(conn.dialect, table, columns, rows)
    quote = conn.dialect.identifier_preparer.quote
    into = f"{table.name} ({', '.join(quote(name) for name in columns)})"
    is_postgresql = conn.dialect.name == "postgresql"
    if is_postgresql and len(rows) > FEW:
        _copy(conn, f"COPY {into} FROM STDIN", bound)
        return
    row = f"({', '.join('%s' if is_postgresql else '?' for _ in columns)})"
    left = iter(bound)
    for size in _sizes(len(rows), FEW if is_postgresql else _most_rows(conn, len(columns))):
        values = ", ".join(repeat(row, size))
        given = tuple(chain.from_iterable(islice(left, size)))
        conn.exec_driver_sql(f"INSERT INTO {into} VALUES {values}", given)  # noqa: S608 - names of ours


def _most_rows(conn: Connection, columns: int) -> int:
    """How many rows SQLite takes in one statement; an old one takes few parameters."""
    driver: Any = conn.connection.driver_connection
    parameters = int(driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))
    return min(ROWS_MAX, parameters // columns)


def _sizes(rows: int, most: int) -> Iterator[int]:
    """How many rows each statement writes: the same few numbers, so that each is prepared once."""
    while rows:
        # Or the largest power of two that there still is.
        size = rows if rows <= FEW else min(most, 1 << rows.bit_length() - 1)
        yield size
        rows -= size


def update_many(
    conn: Connection,
    table: Table,
    key: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Change some columns of rows, each to values of its own.

    Args:
        conn: An open write transaction.
        table: Where.
        key: The columns by which a row is known.
        columns: Those that are changed.
        rows: Of each the key's values and then the others'.
    """
    if not rows:
        return
    names = (*key, *columns)
    bound = list(_bound(conn.dialect, table, names, rows))
    if conn.dialect.name != "postgresql":
        changes = ", ".join(f"{name} = ?{len(key) + n}" for n, name in enumerate(columns, 1))
        known = " AND ".join(f"{name} = ?{n}" for n, name in enumerate(key, 1))
        conn.exec_driver_sql(f"UPDATE {table.name} SET {changes} WHERE {known}", bound)  # noqa: S608 - names of ours
        return
    kinds = {name: table.c[name].type.compile(conn.dialect) for name in names}
    arrays = ", ".join(f"CAST(%s AS {kinds[name]}[])" for name in names)
    changes = ", ".join(f"{name} = given.{name}" for name in columns)
    known = " AND ".join(f"{table.name}.{name} = given.{name}" for name in key)
    update = (
        f"UPDATE {table.name} SET {changes}"  # noqa: S608 - names of ours
        f" FROM unnest({arrays}) AS given ({', '.join(names)}) WHERE {known}"
    )
    conn.exec_driver_sql(update, tuple(list(column) for column in zip(*bound, strict=True)))


def new_ids(conn: Connection, table: Table, number: int) -> Iterator[int]:
    """Numbers for rows that are about to be written, ascending and nobody else's.

    Args:
        conn: An open write transaction.
        table: Of which the database numbers the rows.
        number: How many.
    """
    if conn.dialect.name == "postgresql":
        # As many rows as there are numbers wanted; the sequence is looked up once.
        drawn = text(
            "SELECT nextval(of.sequence) FROM (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS"
            " regclass) AS sequence OFFSET 0) AS of, generate_series(1, :number)"
        )
        return iter(conn.execute(drawn, {"table": table.name, "number": number}).scalars().all())
    # SQLite has one writer, and numbers a row by the highest there is.
    last = int(conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())
    return iter(range(last + 1, last + number + 1))


def _copy(conn: Connection, statement: str, rows: Iterable[Row]) -> None:
    driver: Any = conn.connection.driver_connection
    dialect = conn.dialect
    errors: Any = dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except errors as error:
        # As whatever goes through SQLAlchemy is raised.
        raise DBAPIError.instance(statement, None, error, errors, dialect=dialect) from error


def _bound(
    dialect: Dialect, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> Iterable[Row]:
    """The rows as the driver takes them; of most columns it takes the values as they are."""
    binds = {place: _bind(dialect, table, name) for place, name in enumerate(columns)}
    if not any(binds.values()):
        return rows
    # Column by column, which is much faster than row by row.
    given = enumerate(zip(*rows, strict=True))
    bound = (column if (bind := binds[n]) is None else map(bind, column) for n, column in given)
    return zip(*bound, strict=True)


def _bind(dialect: Dialect, table: Table, name: str) -> Bind | None:
    """How a column's values are converted for the driver; None: they are not."""
    kind = table.c[name].type
    processor = kind.dialect_impl(dialect).bind_processor(dialect)
    if processor is None or isinstance(kind, JSON):
        # Documents are no keys of what is known.
        return processor
    return _Known(processor).__getitem__


class _Known(dict[object, Any]):
    """What values are to the driver, each converted once: many rows share their instants.

    Args:
        convert: Converts a value that is not known yet.
    """

    def __init__(self, convert: Bind) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, value: object) -> Any:  # noqa: ANN401 - the driver's own
        """Convert it, and know it from now on."""
        found = self[value] = self._convert(value)
        return found
