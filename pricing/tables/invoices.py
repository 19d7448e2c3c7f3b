"""Invoices and the payments that are collected for them."""

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
    UniqueConstraint,
    text,
)

from pricing.tables.columns import METADATA, Instant, RowId, account_id, row_id

INVOICES = Table(
    "invoices",
    METADATA,
    row_id(),
    account_id(),
    Column("sequence", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("cause", Text, nullable=False, unique=True),
    Column("issued_at", Instant, nullable=False),
    Column("kind", Text, nullable=False, server_default="invoice"),
    Column("currency", Text, nullable=False, server_default="USD"),
    Column("due_at", Instant),
    # Of a credit note: the numbers of the invoices that it corrects.
    Column("corrects", JSON(none_as_null=True)),
    # The parties and the tax as they were when it was issued; None: none were on record.
    Column("seller", JSON(none_as_null=True)),
    Column("customer", JSON(none_as_null=True)),
    Column("taxes", JSON(none_as_null=True)),
    UniqueConstraint("account_id", "sequence"),
    Index("uq_invoices_number", "number", unique=True),
)

INVOICE_SERIES = Table(
    "invoice_series",
    METADATA,
    Column("series", Text, primary_key=True),
    # The number that was given last; the next is given by the transaction that issues.
    Column("last_number", Integer, nullable=False),
)

INVOICE_LINES = Table(
    "invoice_lines",
    METADATA,
    row_id(),
    Column("invoice_id", RowId, ForeignKey("invoices.id"), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("usd_micros", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
)

UNCOLLECTED_PAYMENT = "state IN ('due', 'declined', 'delayed')"
"""Which payments are not collected and may be; a query with these very words uses the index."""

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("cause", Text, primary_key=True),
    account_id(index=True),
    Column("usd_micros", BigInteger, nullable=False),
    # What of the price is set off against credit besides; kept for it while the bank decides.
    Column("set_off_usd_micros", BigInteger, nullable=False, server_default="0"),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    # Whether the gateway that was asked last collects nothing, and whether the account had a card
    # on record then; empty: nobody was asked, or an earlier version asked.
    Column("rehearsed", Boolean),
    Column("had_card", Boolean),
    # What the gateway collected it under; empty: nobody was asked who keeps books of its own.
    Column("key", Text),
    CheckConstraint(
        "state IN ('due', 'accepted', 'declined', 'delayed', 'abandoned')", name="state"
    ),
    Index(
        "ix_payments_uncollected",
        "account_id",
        sqlite_where=text(UNCOLLECTED_PAYMENT),
        postgresql_where=text(UNCOLLECTED_PAYMENT),
    ),
)
