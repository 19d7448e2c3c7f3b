"""The tables of the books.

Transactions, postings, lots, invoices and their lines are history: triggers refuse to change or to
delete them, on SQLite and on PostgreSQL alike. What a money command must do exactly once carries a
natural key that is unique in the database, and is written with ``insert_once``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import ReturningInsert

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

HISTORY = ("transactions", "postings", "lots", "invoices", "invoice_lines")
"""Tables whose rows never change and never go."""


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


# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_RowId = BigInteger().with_variant(Integer(), "sqlite")


def _row_id() -> Column[int]:
    return Column("id", _RowId, primary_key=True, autoincrement=True)


def _account_id(*, index: bool = False) -> Column[str]:
    return Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=index)


ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("timezone", Text, nullable=False),
    Column("activated_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opening_hash", Text, nullable=False),
    Column("last_command_at", Instant, nullable=False),
    # How it pays; the card goes when the account is deleted.
    Column("channel", Text, nullable=False, server_default="card"),
    Column("card", Text),
    # Since when its credits cannot be used because it is on demand and may still undo that.
    Column("suspended_since", Instant),
    Column("deleted_at", Instant),
)

ADMINISTRATORS = Table(
    "administrators",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("name", Text, primary_key=True),
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    _row_id(),
    _account_id(index=True),
    Column("anchor_day", Date, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("first_period", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(
        "uq_subscriptions_running",
        "account_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

PERIODS = Table(
    "periods",
    METADATA,
    Column("subscription_id", _RowId, ForeignKey("subscriptions.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # paid | unpaid: neither charged nor granted yet | abandoned: it never will be
    Column("payment", Text, nullable=False, server_default="paid"),
)

TERMS = Table(
    "terms",
    METADATA,
    _row_id(),
    _account_id(index=True),
    Column("subscription_id", _RowId, ForeignKey("subscriptions.id"), nullable=False, index=True),
    Column("plan", Text, nullable=False),
    # The plan as it was sold; nothing that is changed in the plan file later changes it.
    Column("document", JSON, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

CHANGES = Table(
    "changes",
    METADATA,
    _row_id(),
    _account_id(index=True),
    Column("subscription_id", _RowId, ForeignKey("subscriptions.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The plan that it leads to, if it leads to one.
    Column("document", JSON),
    Column("requested_by", Text),
    Column("requested_at", Instant, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Instant),
    Column("effective_at", Instant),
    Column("ended_at", Instant),
    CheckConstraint("state IN ('requested', 'pending', 'applied', 'withdrawn')", name="state"),
    Index(
        "uq_changes_open",
        "subscription_id",
        "kind",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(None, "subscription_id", "kind", "state"),
)

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("cause", Text, primary_key=True),
    _account_id(index=True),
    Column("usd_micros", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    CheckConstraint(
        "state IN ('due', 'accepted', 'declined', 'delayed', 'abandoned')", name="state"
    ),
    Index(
        "ix_payments_uncollected",
        "account_id",
        sqlite_where=text("state IN ('due', 'declined', 'delayed')"),
        postgresql_where=text("state IN ('due', 'declined', 'delayed')"),
    ),
)

TRANSACTIONS = Table(
    "transactions",
    METADATA,
    _row_id(),
    _account_id(),
    Column("natural_key", Text, nullable=False, unique=True),
    Column("cause", Text, nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "account_id", "effective_at"),
)

POSTINGS = Table(
    "postings",
    METADATA,
    _row_id(),
    Column("transaction_id", _RowId, ForeignKey("transactions.id"), nullable=False, index=True),
    _account_id(),
    Column("ledger_account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount <> 0", name="not_zero"),
    # An account's postings behind its snapshots' mark.
    Index(None, "account_id", "id"),
)

SNAPSHOT_MARKS = Table(
    "snapshot_marks",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    # The postings up to this one are in the account's snapshots.
    Column("up_to_posting_id", _RowId, nullable=False),
)

BALANCE_SNAPSHOTS = Table(
    "balance_snapshots",
    METADATA,
    Column(
        "account_id",
        Text,
        ForeignKey("snapshot_marks.account_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("unit", Text, primary_key=True),
    Column("ledger_account", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Index(
        "ix_balance_snapshots_held",
        "account_id",
        "unit",
        sqlite_where=text("amount <> 0"),
        postgresql_where=text("amount <> 0"),
    ),
)

LOTS = Table(
    "lots",
    METADATA,
    _row_id(),
    _account_id(),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("cause", Text, nullable=False, unique=True),
    CheckConstraint("amount > 0", name="positive"),
    Index(None, "account_id", "expires_at"),
)

LOT_CLOSURES = Table(
    "lot_closures",
    METADATA,
    Column("lot_id", _RowId, ForeignKey("lots.id"), primary_key=True, autoincrement=False),
    _account_id(index=True),
    # void | expired
    Column("reason", Text, nullable=False),
    Column("closed_at", Instant, nullable=False),
)

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("run_id", Text, primary_key=True),
    _account_id(),
    Column("quote", JSON, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("reserved_at", Instant, nullable=False),
    # When the reservation ended: the run was charged, or given up.
    Column("ended_at", Instant),
    # When the run did; what has not ended counts as being at once.
    Column("run_ended_at", Instant),
    CheckConstraint("state IN ('open', 'posted', 'void')", name="state"),
    # Those that are open; those that were charged in a cycle.
    Index(None, "account_id", "state", "ended_at"),
    Index(
        "ix_reservations_at_once",
        "account_id",
        sqlite_where=text("run_ended_at IS NULL"),
        postgresql_where=text("run_ended_at IS NULL"),
    ),
)

SLICES = Table(
    "slices",
    METADATA,
    Column("run_id", Text, ForeignKey("reservations.run_id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("lot_id", _RowId, ForeignKey("lots.id"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="positive"),
)

INVOICES = Table(
    "invoices",
    METADATA,
    _row_id(),
    _account_id(),
    Column("sequence", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("cause", Text, nullable=False, unique=True),
    Column("issued_at", Instant, nullable=False),
    UniqueConstraint("account_id", "sequence"),
)

INVOICE_LINES = Table(
    "invoice_lines",
    METADATA,
    _row_id(),
    Column("invoice_id", _RowId, ForeignKey("invoices.id"), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("usd_micros", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
)

# Departments and extra credits.

DEPARTMENTS = Table(
    "departments",
    METADATA,
    _row_id(),
    _account_id(),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("allocation_li_minutes", BigInteger, nullable=False),
    Column("limit_usd_micros", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("account_id", "folded_name"),
    CheckConstraint("allocation_li_minutes >= 0", name="allocation"),
    CheckConstraint("limit_usd_micros >= 0", name="limit"),
)

DEPARTMENT_LOTS = Table(
    "department_lots",
    METADATA,
    Column("lot_id", _RowId, ForeignKey("lots.id"), primary_key=True, autoincrement=False),
    Column("department_id", _RowId, ForeignKey("departments.id"), nullable=False, index=True),
    Column("source_lot_id", _RowId, ForeignKey("lots.id"), nullable=False, index=True),
)

DEPARTMENT_RUNS = Table(
    "department_runs",
    METADATA,
    Column("run_id", Text, ForeignKey("reservations.run_id"), primary_key=True),
    Column("department_id", _RowId, ForeignKey("departments.id"), nullable=False, index=True),
    # 0: the run is paid with the department's LI-minutes.
    Column("wallet_usd_micros", BigInteger, nullable=False),
)

EXTRA_CREDIT_LIMITS = Table(
    "extra_credit_limits",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("limit_li_minutes", BigInteger, nullable=False),
    CheckConstraint("limit_li_minutes >= 0", name="limit"),
)

EXTRA_PURCHASES = Table(
    "extra_purchases",
    METADATA,
    Column("run_id", Text, ForeignKey("reservations.run_id"), primary_key=True),
    Column("lot_id", _RowId, ForeignKey("lots.id"), nullable=False, unique=True),
    Column("usd_micros", BigInteger, nullable=False),
)


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
