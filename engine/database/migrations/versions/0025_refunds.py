"""Refunds: what is given back of a payment, and the key that each payment was collected under."""

import sqlalchemy as sa
from alembic import op

revision = "0025_refunds"
down_revision = "0023_due_accounts"

OPEN = "state IN ('pending', 'delayed')"

FIXED = (
    "id, key, account_id, invoice, cause, payment_key, usd_micros, currency, keeps_credits,"
    " request_id, asked_at"
)


def upgrade() -> None:
    op.add_column("payments", sa.Column("key", sa.Text))
    # A purchase's attempt has a purpose of its own: its key is found from now on.
    op.execute(
        "UPDATE payments SET key = (SELECT max(a.key) FROM payment_attempts a"
        " WHERE a.purpose = payments.cause AND a.outcome = 'booked')"
    )
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "refunds",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("invoice", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("payment_key", sa.Text, nullable=False),
        sa.Column("usd_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("keeps_credits", sa.Boolean, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("answered_at", instant),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("key", name="uq_refunds_key"),
        sa.UniqueConstraint("account_id", "request_id", name="uq_refunds_account_id_request_id"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_refunds_account_id_accounts"
        ),
        sa.CheckConstraint("usd_micros > 0", name="ck_refunds_above_zero"),
        sa.CheckConstraint(
            "state IN ('pending', 'delayed', 'accepted', 'declined', 'returned', 'apart')",
            name="ck_refunds_state",
        ),
    )
    op.create_index("ix_refunds_invoice", "refunds", ["invoice"])
    op.create_index(
        "ix_refunds_open",
        "refunds",
        ["account_id"],
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    _protect()


def _protect() -> None:
    """What was asked for stays; only its answer moves on."""
    if op.get_bind().dialect.name == "postgresql":
        refuse = "EXECUTE FUNCTION loadmuster_history()"
        op.execute(
            f"CREATE TRIGGER refunds_fixed BEFORE UPDATE OF {FIXED} ON refunds"
            f" FOR EACH ROW {refuse}"
        )
        op.execute(
            f"CREATE TRIGGER refunds_no_delete BEFORE DELETE ON refunds FOR EACH ROW {refuse}"
        )
        op.execute(
            "CREATE TRIGGER refunds_no_truncate BEFORE TRUNCATE ON refunds"
            f" FOR EACH STATEMENT {refuse}"
        )
        return
    for name, event in (("fixed", f"UPDATE OF {FIXED}"), ("no_delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER refunds_{name} BEFORE {event} ON refunds"
            " BEGIN SELECT RAISE(ABORT, 'refunds are history; correct with new rows'); END"
        )
