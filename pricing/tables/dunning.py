"""What was done with accounts that did not pay, step by step, and what they were told."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from pricing.tables.columns import METADATA, Instant, account_id, row_id

DUNNING_STEPS = Table(
    "dunning_steps",
    METADATA,
    row_id(),
    account_id(),
    # The day after that on which the oldest of what is owed was due: whose steps these are.
    Column("due_before", Instant, nullable=False),
    Column("day", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    # When it counts, and when it was written.
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # What was told: all that was owed then, and what comes next and when.
    Column("usd_micros", BigInteger, nullable=False),
    Column("unpaid", JSON, nullable=False),
    Column("next_kind", Text),
    Column("next_at", Instant),
    UniqueConstraint("account_id", "due_before", "day", "kind"),
    CheckConstraint("kind IN ('reminded', 'asked', 'suspended', 'ended')", name="kind"),
)
