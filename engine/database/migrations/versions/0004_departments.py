"""Departments with their lots and runs, and extra credits."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004_departments"
down_revision = "0003_lives"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_departments()
    _create_extra_credits()


def _create_departments() -> None:
    op.create_table(
        "departments",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        _needed("account_id", sa.Text()),
        _needed("name", sa.Text()),
        _needed("folded_name", sa.Text()),
        _needed("allocation_li_minutes", sa.BigInteger()),
        _needed("limit_usd_micros", sa.BigInteger()),
        _needed("created_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_departments"),
        _reference("departments", "account_id", "accounts"),
        sa.UniqueConstraint(
            "account_id", "folded_name", name="uq_departments_account_id_folded_name"
        ),
        sa.CheckConstraint("allocation_li_minutes >= 0", name="ck_departments_allocation"),
        sa.CheckConstraint("limit_usd_micros >= 0", name="ck_departments_limit"),
    )
    op.create_table(
        "department_lots",
        sa.Column("lot_id", _ROW_ID, nullable=False, autoincrement=False),
        _needed("department_id", _ROW_ID),
        _needed("source_lot_id", _ROW_ID),
        sa.PrimaryKeyConstraint("lot_id", name="pk_department_lots"),
        _reference("department_lots", "lot_id", "lots"),
        _reference("department_lots", "department_id", "departments"),
        _reference("department_lots", "source_lot_id", "lots"),
    )
    op.create_index("ix_department_lots_department_id", "department_lots", ["department_id"])
    op.create_index("ix_department_lots_source_lot_id", "department_lots", ["source_lot_id"])
    op.create_table(
        "department_runs",
        _needed("run_id", sa.Text()),
        _needed("department_id", _ROW_ID),
        _needed("wallet_usd_micros", sa.BigInteger()),
        sa.PrimaryKeyConstraint("run_id", name="pk_department_runs"),
        _reference("department_runs", "run_id", "reservations", "run_id"),
        _reference("department_runs", "department_id", "departments"),
    )
    op.create_index("ix_department_runs_department_id", "department_runs", ["department_id"])


def _create_extra_credits() -> None:
    op.create_table(
        "extra_credit_limits",
        _needed("account_id", sa.Text()),
        _needed("limit_li_minutes", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account_id", name="pk_extra_credit_limits"),
        _reference("extra_credit_limits", "account_id", "accounts"),
        sa.CheckConstraint("limit_li_minutes >= 0", name="ck_extra_credit_limits_limit"),
    )
    op.create_table(
        "extra_purchases",
        _needed("run_id", sa.Text()),
        _needed("lot_id", _ROW_ID),
        _needed("usd_micros", sa.BigInteger()),
        sa.PrimaryKeyConstraint("run_id", name="pk_extra_purchases"),
        _reference("extra_purchases", "run_id", "reservations", "run_id"),
        _reference("extra_purchases", "lot_id", "lots"),
        sa.UniqueConstraint("lot_id", name="uq_extra_purchases_lot_id"),
    )


def _needed(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _reference(table: str, column: str, to: str, to_column: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.{to_column}"], name=f"fk_{table}_{column}_{to}"
    )
