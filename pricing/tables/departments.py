"""Departments, their runs, and credits beyond the plan."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Table,
    Text,
    UniqueConstraint,
)

from pricing.tables.columns import METADATA, Instant, RowId, account_id, row_id

DEPARTMENTS = Table(
    "departments",
    METADATA,
    row_id(),
    account_id(),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("allocation_li_minutes", BigInteger, nullable=False),
    Column("limit_usd_micros", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("account_id", "folded_name"),
    CheckConstraint("allocation_li_minutes >= 0", name="allocation"),
    CheckConstraint("limit_usd_micros >= 0", name="limit"),
)

DEPARTMENT_LOTS = Table(
    "department_lots",
    METADATA,
    Column("lot_id", RowId, ForeignKey("lots.id"), primary_key=True, autoincrement=False),
    Column("department_id", RowId, ForeignKey("departments.id"), nullable=False, index=True),
    Column("source_lot_id", RowId, ForeignKey("lots.id"), nullable=False, index=True),
)

DEPARTMENT_RUNS = Table(
    "department_runs",
    METADATA,
    Column("run_id", Text, ForeignKey("reservations.run_id"), primary_key=True),
    Column("department_id", RowId, ForeignKey("departments.id"), nullable=False, index=True),
    # 0: the run is paid with the department's LI-minutes.
    Column("wallet_usd_micros", BigInteger, nullable=False),
)

EXTRA_CREDIT_LIMITS = Table(
    "extra_credit_limits",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("limit_li_minutes", BigInteger, nullable=False),
    CheckConstraint("limit_li_minutes >= 0", name="limit"),
)

EXTRA_PURCHASES = Table(
    "extra_purchases",
    METADATA,
    Column("run_id", Text, ForeignKey("reservations.run_id"), primary_key=True),
    Column("lot_id", RowId, ForeignKey("lots.id"), nullable=False, unique=True),
    Column("usd_micros", BigInteger, nullable=False),
)
