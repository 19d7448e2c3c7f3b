"""Seller and customers, tax, series of numbers, credit notes, and the currency of an account."""

import sqlalchemy as sa
from alembic import op

revision = "0021_parties_and_tax"
down_revision = "0019_payment_facts"

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HISTORY = ("sellers", "tax_lines", "told_taxes")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("currency", sa.Text, nullable=False, server_default="USD"))
    _extend_invoices()
    _create_parties()
    _create_taxes()
    if op.get_bind().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def _extend_invoices() -> None:
    for column in (
        sa.Column("kind", sa.Text, nullable=False, server_default="invoice"),
        sa.Column("currency", sa.Text, nullable=False, server_default="USD"),
        sa.Column("due_at", _INSTANT),
        sa.Column("corrects", sa.JSON),
        sa.Column("seller", sa.JSON),
        sa.Column("customer", sa.JSON),
        sa.Column("taxes", sa.JSON),
    ):
        op.add_column("invoices", column)
    op.create_index("uq_invoices_number", "invoices", ["number"], unique=True)
    op.create_table(
        "invoice_series",
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_invoice_series"),
    )


def _create_parties() -> None:
    op.create_table(
        "sellers",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("in_force_from", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("payment_days", sa.Integer, nullable=False),
        sa.Column("series", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sellers"),
    )
    op.create_index("ix_sellers_in_force_from", "sellers", ["in_force_from"])
    op.create_table(
        "billing_details",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_billing_details_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_billing_details"),
    )


def _create_taxes() -> None:
    op.create_table(
        "told_taxes",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_told_taxes_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_told_taxes"),
    )
    op.create_index("ix_told_taxes_account_id_question", "told_taxes", ["account_id", "question"])
    op.create_table(
        "tax_lines",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("natural_key", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("treatment", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("rate_ppm", sa.Integer, nullable=False),
        sa.Column("net_usd_micros", sa.BigInteger, nullable=False),
        sa.Column("tax_usd_micros", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_tax_lines_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tax_lines"),
        sa.UniqueConstraint("natural_key", name="uq_tax_lines_natural_key"),
    )
    op.create_index("ix_tax_lines_cause", "tax_lines", ["cause"])
    op.create_index("ix_tax_lines_account_id_id", "tax_lines", ["account_id", "id"])


def _protect_on_sqlite() -> None:
    for table in _HISTORY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are history; correct with new rows'); END"
            )


def _protect_on_postgresql() -> None:
    for table in _HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
        )
