"""What rehearsed runs would be charged: beside the books, and never in them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Table, Text

from pricing.tables.columns import METADATA, Instant, RowId, account_id

REHEARSED_CHARGES = Table(
    "rehearsed_charges",
    METADATA,
    Column("run_id", Text, primary_key=True),
    account_id(index=True),
    # Empty: the account itself runs.
    Column("department_id", RowId, ForeignKey("departments.id"), index=True),
    Column("quote", JSON, nullable=False),
    # What it would buy of extra credits, and for how much.
    Column("extra_li_minutes", BigInteger, nullable=False),
    Column("extra_usd_micros", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # What stays charged of each line of the quote, in its unit; empty until it is charged.
    Column("kept_startup", BigInteger),
    Column("kept_use", BigInteger),
    Column("reserved_at", Instant, nullable=False),
    Column("charged_at", Instant),
    # When the run ended.
    Column("ended_at", Instant),
    CheckConstraint("state IN ('open', 'charged', 'void')", name="state"),
)
