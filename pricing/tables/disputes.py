"""Payments that customers contest at their bank, one row a dispute."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text

from pricing.tables.columns import METADATA, Instant, row_id

DISPUTES = Table(
    "disputes",
    METADATA,
    row_id(),
    # What the gateway calls it.
    Column("name", Text, nullable=False, unique=True),
    Column("payment_key", Text, nullable=False, index=True),
    # No reference: who was asked for money may never have been opened.
    Column("account_id", Text, nullable=False, index=True),
    # In millionths of the currency.
    Column("usd_micros", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("fee_usd_micros", BigInteger, nullable=False),
    # Whether it is in the ledger; what was never booked as paid is not booked as contested.
    Column("booked", Text, nullable=False),
    # open | won | lost
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Column("closed_at", Instant),
    CheckConstraint("usd_micros > 0", name="above_zero"),
    CheckConstraint("fee_usd_micros >= 0", name="fee"),
    CheckConstraint("booked IN ('yes', 'apart')", name="booked"),
    CheckConstraint("state IN ('open', 'won', 'lost')", name="state"),
)
