"""Rows that may be written only once: the database decides, by a natural key that is unique."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert


def insert_once(
    conn: Connection, table: Table, key: Sequence[str], values: Mapping[str, object]
) -> Row[Any] | None:
    """Insert a row unless another has its key; the database decides, so two cannot both.

    Args:
        conn: An open transaction.
        table: Where.
        key: The columns of the unique key that makes the row one of a kind.
        values: The row.

    Returns:
        The new row's primary key; None: the key is taken and nothing was done.
    """
    statement = insert_unless_taken(conn.dialect.name, table, tuple(key))
    return conn.execute(statement, dict(values)).one_or_none()


@cache
def insert_unless_taken(dialect: str, table: Table, key: tuple[str, ...]) -> ReturningInsert[Any]:
    """The statement of ``insert_once``, made once: with many rows it returns those it wrote.

    Args:
        dialect: Name of the database's.
        table: Where.
        key: The columns of the unique key.

    Returns:
        An insert that returns the primary key and the unique one.
    """
    insert = (sqlite if dialect == "sqlite" else postgresql).insert
    columns = dict.fromkeys([*table.primary_key.columns, *(table.c[name] for name in key)])
    statement: ReturningInsert[Any] = (
        insert(table).on_conflict_do_nothing(index_elements=key).returning(*columns)
    )
    return statement
