"""What all tables of the books are made of: one schema, instants in UTC, numbered rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware instant, in UTC whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite keeps no offset."""
        if value is None:
            return None
        assert value.tzinfo is not None, f"{value} has no time zone"
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC back."""
        del dialect
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class DatabaseSecret(FunctionElement[str]):
    """A secret that the database draws: nobody passes it on, and no caller can set it."""

    type = Text()
    inherit_cache = True


@compiles(DatabaseSecret, "sqlite")
def _on_sqlite(_element: DatabaseSecret, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return "lower(hex(randomblob(32)))"


@compiles(DatabaseSecret, "postgresql")
def _on_postgresql(_element: DatabaseSecret, _compiler: SQLCompiler, **_options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return "replace(concat(gen_random_uuid(), gen_random_uuid()), '-', '')"


# SQLite numbers the rows by itself only when the type is exactly INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


def row_id() -> Column[int]:
    """The number of a row, given by the database."""
    return Column("id", RowId, primary_key=True, autoincrement=True)


def account_id(*, index: bool = False) -> Column[str]:
    """The account that a row belongs to."""
    return Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=index)
