"""Who sells and who buys: the seller's details by date, and the customers', which are personal."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from pricing.tables.columns import METADATA, Instant, row_id

SELLERS = Table(
    "sellers",
    METADATA,
    row_id(),
    # From when on invoices name it; of two from the same instant the later one counts.
    Column("in_force_from", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Column("payment_days", Integer, nullable=False),
    Column("series", Text, nullable=False),
    Index(None, "in_force_from"),
)

BILLING_DETAILS = Table(
    "billing_details",
    METADATA,
    # Personal data, and nothing else: a row goes when its account is deleted.
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

TOLD_TAXES = Table(
    "told_taxes",
    METADATA,
    row_id(),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    # What was asked of the service, as a digest: an answer holds for that question alone.
    Column("question", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("told_at", Instant, nullable=False),
    Index(None, "account_id", "question"),
)

TAX_LINES = Table(
    "tax_lines",
    METADATA,
    row_id(),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    # The transaction of the ledger that charges the tax, and what both belong to.
    Column("natural_key", Text, nullable=False, unique=True),
    Column("cause", Text, nullable=False, index=True),
    Column("treatment", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("rate_ppm", Integer, nullable=False),
    Column("net_usd_micros", BigInteger, nullable=False),
    Column("tax_usd_micros", BigInteger, nullable=False),
    Index(None, "account_id", "id"),
)
