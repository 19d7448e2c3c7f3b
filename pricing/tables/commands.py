"""Who did what: every command that was sent, and the names of people, kept apart from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from pricing.tables.columns import METADATA, Instant, RowId, row_id


class DatabaseNow(FunctionElement[datetime]):
    """The database's own clock, which no caller of a command can set."""

    type = Instant()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _on_sqlite(_element: DatabaseNow, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


@compiles(DatabaseNow, "postgresql")
def _on_postgresql(_element: DatabaseNow, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return "clock_timestamp()"


PERSONS = Table(
    "persons",
    METADATA,
    row_id(),
    # Empty: known to the installation, not in the matters of one account.
    Column("account_id", Text, nullable=False),
    # Who it was; empty once that was forgotten. The row's number is the pseudonym.
    Column("name", Text),
    # person | service: a controller and the owner's role are nobody's personal data
    Column("kind", Text, nullable=False),
    UniqueConstraint("account_id", "name"),
    CheckConstraint("kind IN ('person', 'service')", name="kind"),
)

COMMANDS = Table(
    "commands",
    METADATA,
    row_id(),
    # Empty: on the installation as a whole.
    Column("account_id", Text, ForeignKey("accounts.id")),
    Column("command", Text, nullable=False),
    # What was asked for; people in it are numbers of their rows.
    Column("content", JSON, nullable=False),
    Column("request_id", Text),
    Column("actor_id", RowId, ForeignKey("persons.id"), nullable=False),
    # The operating system's user, where the program ran.
    Column("login_id", RowId, ForeignKey("persons.id")),
    # cli | api | serve
    Column("via", Text, nullable=False),
    # The account's instant, which may be a test clock's.
    Column("at", Instant, nullable=False),
    # By the database's clock.
    Column("recorded_at", Instant, nullable=False, default=DatabaseNow()),
    # done | repeated: an answer to the same request, which was done before | refused
    Column("outcome", Text, nullable=False),
    # Why it was refused.
    Column("code", Text),
    CheckConstraint("outcome IN ('done', 'repeated', 'refused')", name="outcome"),
    CheckConstraint("(code IS NOT NULL) = (outcome = 'refused')", name="code"),
    Index(None, "account_id", "id"),
)
