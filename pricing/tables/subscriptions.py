"""Subscriptions: their periods, the plans that they ran on, and the changes asked for."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from pricing.tables.columns import METADATA, Instant, RowId, account_id, row_id

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    row_id(),
    account_id(index=True),
    Column("anchor_day", Date, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("first_period", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # Numbers of the periods from which on they were undone, one each time; None: never.
    Column("undone_from", JSON),
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
    Column("subscription_id", RowId, ForeignKey("subscriptions.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # paid | unpaid: neither charged nor granted yet | abandoned: it never will be
    Column("payment", Text, nullable=False, server_default="paid"),
)

TERMS = Table(
    "terms",
    METADATA,
    row_id(),
    account_id(index=True),
    Column("subscription_id", RowId, ForeignKey("subscriptions.id"), nullable=False, index=True),
    Column("plan", Text, nullable=False),
    # The plan as it was sold; nothing that is changed in the plan file later changes it.
    Column("document", JSON, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

CHANGES = Table(
    "changes",
    METADATA,
    row_id(),
    account_id(index=True),
    Column("subscription_id", RowId, ForeignKey("subscriptions.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The plan that it leads to, if it leads to one.
    Column("document", JSON),
    Column("requested_by", Text),
    Column("requested_at", Instant, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Instant),
    # The boundary: the number of the period that begins there counts, the instant is as of then.
    # Without a number it is the end of a trial, or was asked for before numbers were kept.
    Column("effective_at", Instant),
    Column("effective_period", Integer),
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
