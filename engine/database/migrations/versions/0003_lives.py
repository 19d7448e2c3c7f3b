"""Subscription lives: terms as sold, pending changes, payments, closed lots, administrators."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003_lives"
down_revision = "0002_runs"

# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_MOVED = ("plan", "plan_version", "monthly_usd_micros", "li_minutes", "rollover")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("channel", sa.Text, nullable=False, server_default="card"))
    op.add_column("accounts", sa.Column("card", sa.Text))
    op.add_column("accounts", sa.Column("suspended_since", _INSTANT))
    op.add_column("accounts", sa.Column("deleted_at", _INSTANT))
    op.add_column("periods", sa.Column("payment", sa.Text, nullable=False, server_default="paid"))
    _create_terms()
    _create_changes()
    _create_payments()
    op.create_table(
        "lot_closures",
        _needed("lot_id", _ROW_ID),
        *_account("lot_closures"),
        _needed("reason", sa.Text()),
        _needed("closed_at", _INSTANT),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name="fk_lot_closures_lot_id_lots"),
        sa.PrimaryKeyConstraint("lot_id", name="pk_lot_closures"),
    )
    op.create_index("ix_lot_closures_account_id", "lot_closures", ["account_id"])
    op.create_table(
        "administrators",
        *_account("administrators"),
        _needed("name", sa.Text()),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_administrators"),
    )


def _create_terms() -> None:
    op.create_table(
        "terms",
        *_row_id("terms"),
        *_account("terms"),
        *_subscription("terms"),
        _needed("plan", sa.Text()),
        _needed("document", sa.JSON()),
        _needed("started_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
    )
    op.create_index("ix_terms_account_id", "terms", ["account_id"])
    op.create_index("ix_terms_subscription_id", "terms", ["subscription_id"])
    _move_terms()
    for column in _MOVED:
        op.drop_column("subscriptions", column)


def _move_terms() -> None:
    """Every subscription had one set of terms; what is not on record was the same for all."""
    subscriptions = sa.table(
        "subscriptions",
        *(sa.column(name) for name in ("id", "account_id", "plan", "monthly_usd_micros")),
        *(sa.column(name) for name in ("li_minutes",)),
        sa.column("plan_version", sa.Date()),
        sa.column("rollover", sa.Boolean()),
        sa.column("started_at", _INSTANT),
        sa.column("ended_at", _INSTANT),
    )
    terms = sa.table(
        "terms",
        *(sa.column(name) for name in ("account_id", "subscription_id", "plan")),
        sa.column("document", sa.JSON()),
        sa.column("started_at", _INSTANT),
        sa.column("ended_at", _INSTANT),
    )
    conn = op.get_bind()
    for row in conn.execute(sa.select(subscriptions).order_by(subscriptions.c.id)).all():
        document = {
            "name": row.plan,
            "version": row.plan_version.isoformat(),
            "monthly_usd_micros": row.monthly_usd_micros,
            "li_minutes": row.li_minutes,
            "rollover": row.rollover,
            "tariff": "on-demand",
            "cancellation": "startup_then_used",
        }
        conn.execute(
            terms.insert().values(
                account_id=row.account_id,
                subscription_id=row.id,
                plan=row.plan,
                document=document,
                started_at=row.started_at,
                ended_at=row.ended_at,
            )
        )


def _create_changes() -> None:
    op.create_table(
        "changes",
        *_row_id("changes"),
        *_account("changes"),
        *_subscription("changes"),
        _needed("kind", sa.Text()),
        _needed("state", sa.Text()),
        sa.Column("document", sa.JSON),
        sa.Column("requested_by", sa.Text),
        _needed("requested_at", _INSTANT),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("confirmed_at", _INSTANT),
        sa.Column("effective_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
        sa.CheckConstraint(
            "state IN ('requested', 'pending', 'applied', 'withdrawn')", name="ck_changes_state"
        ),
    )
    op.create_index("ix_changes_account_id", "changes", ["account_id"])
    op.create_index(
        "uq_changes_open",
        "changes",
        ["subscription_id", "kind"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        _needed("cause", sa.Text()),
        *_account("payments"),
        _needed("usd_micros", sa.BigInteger()),
        _needed("channel", sa.Text()),
        _needed("state", sa.Text()),
        _needed("reason", sa.Text()),
        _needed("asked_at", _INSTANT),
        sa.PrimaryKeyConstraint("cause", name="pk_payments"),
        sa.CheckConstraint(
            "state IN ('accepted', 'declined', 'delayed', 'abandoned')", name="ck_payments_state"
        ),
    )
    op.create_index("ix_payments_account_id", "payments", ["account_id"])


def _needed(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _row_id(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _account(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("account_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=f"fk_{table}_account_id_accounts"
        ),
    )


def _subscription(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("subscription_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=f"fk_{table}_subscription_id_subscriptions",
        ),
    )
