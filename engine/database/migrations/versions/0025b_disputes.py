"""Disputes: payments that customers contest at their bank."""

import sqlalchemy as sa
from alembic import op

revision = "0025b_disputes"
down_revision = "0025_refunds"

FIXED = "id, name, payment_key, account_id, usd_micros, currency, booked, opened_at"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "disputes",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("payment_key", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("usd_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("fee_usd_micros", sa.BigInteger, nullable=False),
        sa.Column("booked", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("withdrawn_at", instant),
        sa.Column("closed_at", instant),
        sa.PrimaryKeyConstraint("id", name="pk_disputes"),
        sa.UniqueConstraint("name", name="uq_disputes_name"),
        sa.CheckConstraint("usd_micros > 0", name="ck_disputes_above_zero"),
        sa.CheckConstraint("fee_usd_micros >= 0", name="ck_disputes_fee"),
        sa.CheckConstraint("booked IN ('yes', 'apart')", name="ck_disputes_booked"),
        sa.CheckConstraint("state IN ('open', 'won', 'lost')", name="ck_disputes_state"),
    )
    op.create_index("ix_disputes_payment_key", "disputes", ["payment_key"])
    op.create_index("ix_disputes_account_id", "disputes", ["account_id"])
    _protect()


def _protect() -> None:
    """What is contested stays; only what becomes of it moves on."""
    if op.get_bind().dialect.name == "postgresql":
        refuse = "EXECUTE FUNCTION loadmuster_history()"
        op.execute(
            f"CREATE TRIGGER disputes_fixed BEFORE UPDATE OF {FIXED} ON disputes"
            f" FOR EACH ROW {refuse}"
        )
        op.execute(
            f"CREATE TRIGGER disputes_no_delete BEFORE DELETE ON disputes FOR EACH ROW {refuse}"
        )
        op.execute(
            "CREATE TRIGGER disputes_no_truncate BEFORE TRUNCATE ON disputes"
            f" FOR EACH STATEMENT {refuse}"
        )
        return
    for name, event in (("fixed", f"UPDATE OF {FIXED}"), ("no_delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER disputes_{name} BEFORE {event} ON disputes"
            " BEGIN SELECT RAISE(ABORT, 'disputes are history; correct with new rows'); END"
        )
