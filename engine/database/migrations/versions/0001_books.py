"""The books: accounts, subscriptions, the ledger, lots, reservations and invoices."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001_books"
down_revision = None

# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_HISTORY = ("transactions", "postings", "lots", "invoices", "invoice_lines")


def upgrade() -> None:
    _create_accounts()
    _create_ledger()
    _create_reservations()
    _create_invoices()
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql()
    else:
        _protect_on_sqlite()


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, nullable=False),
        _needed("timezone", sa.Text()),
        _needed("activated_at", _INSTANT),
        _needed("opened_at", _INSTANT),
        _needed("opening_hash", sa.Text()),
        _needed("last_command_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "requests",
        *_account("requests"),
        _needed("request_id", sa.Text()),
        _needed("command", sa.Text()),
        _needed("content_hash", sa.Text()),
        _needed("made_at", _INSTANT),
        sa.PrimaryKeyConstraint("account_id", "request_id", name="pk_requests"),
    )
    op.create_table(
        "subscriptions",
        *_row_id("subscriptions"),
        *_account("subscriptions"),
        _needed("plan", sa.Text()),
        _needed("plan_version", sa.Date()),
        _needed("monthly_usd_micros", sa.BigInteger()),
        _needed("li_minutes", sa.BigInteger()),
        _needed("rollover", sa.Boolean()),
        _needed("anchor_day", sa.Date()),
        _needed("timezone", sa.Text()),
        _needed("first_period", sa.Integer()),
        _needed("started_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
    )
    op.create_index("ix_subscriptions_account_id", "subscriptions", ["account_id"])
    op.create_index(
        "uq_subscriptions_running",
        "subscriptions",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "periods",
        *_reference("periods", "subscription_id", "subscriptions"),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        _needed("starts_at", _INSTANT),
        _needed("ends_at", _INSTANT),
        sa.PrimaryKeyConstraint("subscription_id", "n", name="pk_periods"),
    )


def _create_ledger() -> None:
    op.create_table(
        "transactions",
        *_row_id("transactions"),
        *_account("transactions"),
        _needed("natural_key", sa.Text()),
        _needed("cause", sa.Text()),
        _needed("description", sa.Text()),
        _needed("effective_at", _INSTANT),
        _needed("recorded_at", _INSTANT),
        sa.UniqueConstraint("natural_key", name="uq_transactions_natural_key"),
    )
    op.create_index("ix_transactions_account_id", "transactions", ["account_id"])
    op.create_index("ix_transactions_cause", "transactions", ["cause"])
    op.create_table(
        "postings",
        *_row_id("postings"),
        *_reference("postings", "transaction_id", "transactions"),
        *_account("postings"),
        _needed("ledger_account", sa.Text()),
        _needed("unit", sa.Text()),
        _needed("amount", sa.BigInteger()),
        sa.CheckConstraint("amount <> 0", name="ck_postings_not_zero"),
    )
    op.create_index("ix_postings_transaction_id", "postings", ["transaction_id"])
    op.create_index("ix_postings_balance", "postings", ["account_id", "ledger_account", "unit"])
    op.create_table(
        "lots",
        *_row_id("lots"),
        *_account("lots"),
        _needed("kind", sa.Text()),
        _needed("priority", sa.Integer()),
        _needed("amount", sa.BigInteger()),
        _needed("effective_at", _INSTANT),
        sa.Column("expires_at", _INSTANT),
        _needed("created_at", _INSTANT),
        _needed("cause", sa.Text()),
        sa.UniqueConstraint("cause", name="uq_lots_cause"),
        sa.CheckConstraint("amount > 0", name="ck_lots_positive"),
    )
    op.create_index("ix_lots_account_id", "lots", ["account_id"])


def _create_reservations() -> None:
    op.create_table(
        "reservations",
        _needed("run_id", sa.Text()),
        *_account("reservations"),
        _needed("quote", sa.JSON()),
        _needed("rehearsal", sa.Boolean()),
        _needed("state", sa.Text()),
        _needed("reserved_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
        sa.PrimaryKeyConstraint("run_id", name="pk_reservations"),
        sa.CheckConstraint("state IN ('open', 'posted', 'void')", name="ck_reservations_state"),
    )
    op.create_index("ix_reservations_account_id", "reservations", ["account_id"])
    op.create_table(
        "slices",
        _needed("run_id", sa.Text()),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        *_reference("slices", "lot_id", "lots"),
        _needed("amount", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["run_id"], ["reservations.run_id"], name="fk_slices_run_id_reservations"
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_slices"),
        sa.CheckConstraint("amount > 0", name="ck_slices_positive"),
    )
    op.create_index("ix_slices_lot_id", "slices", ["lot_id"])


def _create_invoices() -> None:
    op.create_table(
        "invoices",
        *_row_id("invoices"),
        *_account("invoices"),
        _needed("sequence", sa.Integer()),
        _needed("number", sa.Text()),
        _needed("cause", sa.Text()),
        _needed("issued_at", _INSTANT),
        sa.UniqueConstraint("account_id", "sequence", name="uq_invoices_account_id_sequence"),
        sa.UniqueConstraint("cause", name="uq_invoices_cause"),
    )
    op.create_table(
        "invoice_lines",
        *_row_id("invoice_lines"),
        *_reference("invoice_lines", "invoice_id", "invoices"),
        _needed("description", sa.Text()),
        _needed("usd_micros", sa.BigInteger()),
        _needed("cause", sa.Text()),
    )
    op.create_index("ix_invoice_lines_invoice_id", "invoice_lines", ["invoice_id"])


def _protect_on_sqlite() -> None:
    for table in _HISTORY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are history; correct with new rows'); END"
            )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION loadmuster_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% are history; correct with new rows', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in _HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
        )


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


def _reference(table: str, column: str, to: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column(column, _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}"),
    )
