"""What is told of a damaged row, and rows read as they are, whatever is in them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from msgspec import Struct
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError


class Damage(Struct, frozen=True):
    """A row that is not what it was.

    Attributes:
        table: Its table.
        row: What it is known by: a number, a natural key, a run's id.
        account_id: Whose books it is in; None: it cannot be told.
        what: What does not hold.
    """

    table: str
    row: str
    account_id: str | None
    what: str

    @property
    def line(self) -> str:
        """The row, and what does not hold, for people."""
        return f"{self.table} {self.row}, {self.what}"


def raw_rows(conn: Connection, sql: str, **values: object) -> list[tuple[object, ...]]:
    """Rows as the database has them; none where they cannot even be handed out."""
    try:
        return [tuple(row) for row in conn.execute(text(sql), values)]
    except SQLAlchemyError:
        return []


def as_document(value: object) -> object:
    """SQLite hands out text, PostgreSQL what the text means."""
    return json.loads(value) if isinstance(value, str) else value


def as_day(value: object) -> date:
    """A day, which SQLite hands out as text."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def as_instant(value: object) -> datetime:
    """An aware instant, which SQLite hands out as text in UTC."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
