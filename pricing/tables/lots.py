"""LI-minutes: the lots that were granted, and what runs have reserved of them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from pricing.tables.columns import METADATA, Instant, RowId, account_id, row_id

LOTS = Table(
    "lots",
    METADATA,
    row_id(),
    account_id(),
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
    Column("lot_id", RowId, ForeignKey("lots.id"), primary_key=True, autoincrement=False),
    account_id(index=True),
    # void | expired
    Column("reason", Text, nullable=False),
    Column("closed_at", Instant, nullable=False),
)

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("run_id", Text, primary_key=True),
    account_id(),
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
    Column("lot_id", RowId, ForeignKey("lots.id"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="positive"),
)
