"""The ledger: transactions, their postings, and snapshots of what those add up to."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from pricing.tables.columns import METADATA, Instant, RowId, account_id, row_id

TRANSACTIONS = Table(
    "transactions",
    METADATA,
    row_id(),
    account_id(),
    Column("natural_key", Text, nullable=False, unique=True),
    Column("cause", Text, nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # When it is posted, if not when it counts: that month was closed before it was written.
    Column("posting_at", Instant),
    # The command that wrote it; empty: an earlier version wrote it.
    Column("command_id", RowId, ForeignKey("commands.id")),
    Index(None, "account_id", "effective_at"),
)

OF_CREDIT = "ledger_account = 'credit'"
"""Which postings are of credit; a query with these very words uses the index."""

POSTINGS = Table(
    "postings",
    METADATA,
    row_id(),
    Column("transaction_id", RowId, ForeignKey("transactions.id"), nullable=False, index=True),
    account_id(),
    Column("ledger_account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount <> 0", name="not_zero"),
    # An account's postings behind its snapshots' mark.
    Index(None, "account_id", "id"),
    # Who may be in credit.
    Index(
        "ix_postings_credit",
        "account_id",
        sqlite_where=text(OF_CREDIT),
        postgresql_where=text(OF_CREDIT),
    ),
)

CLOSED_MONTHS = Table(
    "closed_months",
    METADATA,
    # 2026-11, in UTC; all months before it are closed with it.
    Column("month", Text, primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("command_id", RowId, ForeignKey("commands.id")),
)

SNAPSHOT_MARKS = Table(
    "snapshot_marks",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    # The postings up to this one are in the account's snapshots.
    Column("up_to_posting_id", RowId, nullable=False),
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
