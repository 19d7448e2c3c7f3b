"""What was given back of payments, one row a refund."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from pricing.tables.columns import METADATA, Instant, account_id, row_id

OPEN_REFUND = "state IN ('pending', 'delayed')"
"""Which refunds an answer is still to come of; a query with these very words uses the index."""

REFUNDS = Table(
    "refunds",
    METADATA,
    row_id(),
    # What the gateway knows it by.
    Column("key", Text, nullable=False, unique=True),
    account_id(),
    # The invoice, what that is for, and what its payment was collected under.
    Column("invoice", Text, nullable=False, index=True),
    Column("cause", Text, nullable=False),
    Column("payment_key", Text, nullable=False),
    # With tax, in millionths.
    Column("usd_micros", BigInteger, nullable=False),
    # What of it is paid out of the account's credit: the books took it back before.
    Column("from_credit_usd_micros", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("keeps_credits", Boolean, nullable=False),
    # The request that asks for it, and a digest of all that it asks.
    Column("request_id", Text, nullable=False),
    Column("asked", Text, nullable=False),
    # Why, in somebody's words; they go with a deleted account.
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    # What the gateway says.
    Column("said", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
    UniqueConstraint("account_id", "request_id"),
    CheckConstraint("usd_micros > 0", name="above_zero"),
    CheckConstraint(
        "state IN ('pending', 'delayed', 'accepted', 'declined', 'returned', 'apart')",
        name="state",
    ),
    Index(
        "ix_refunds_open",
        "account_id",
        sqlite_where=text(OPEN_REFUND),
        postgresql_where=text(OPEN_REFUND),
    ),
)
