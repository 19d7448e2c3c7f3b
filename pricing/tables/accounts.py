"""Accounts, who administers them, and the requests that they made."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Table, Text

from pricing.tables.columns import METADATA, DatabaseSecret, Instant

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
    # Why the channel will never take that card (lost, stolen, closed); empty: it may.
    Column("card_lost", Text),
    # Since when its credits cannot be used because it is on demand and may still undo that.
    Column("suspended_since", Instant),
    Column("deleted_at", Instant),
    # Whether it lives by a test clock; None: of an earlier version, not known.
    Column("test_clock", Boolean),
    # What its money is in: its prices, its balances, its invoices.
    Column("currency", Text, nullable=False, server_default="USD"),
    # Nothing falls due by itself before; empty: not known since the last command.
    Column("next_due_at", Instant),
    # What digests of what it said are made with; it goes when the account is deleted.
    Column("digest_key", Text, default=DatabaseSecret()),
    Index(None, "next_due_at", "id"),
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

HEALINGS = Table(
    "healings",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("request_id", Text, primary_key=True),
    # What was undone.
    Column("document", JSON, nullable=False),
)
