"""Payments as a state machine: each ask of the gateway is on record before it is made."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0020_payment_attempts"
down_revision = "0019_payment_facts"

OPEN = "(state IN ('pending', 'delayed') OR (state = 'accepted' AND outcome IS NULL))"

FIXED = (
    "id, key, purpose, attempt, account_id, usd_micros, currency, channel, at_once, command,"
    " request_id, asked_at"
)


def upgrade() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.bulk_insert(installation, [{"id": secrets.token_hex(6)}])
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "payment_attempts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("usd_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("card", sa.Text),
        sa.Column("at_once", sa.Boolean, nullable=False),
        sa.Column("command", sa.Text),
        sa.Column("content", sa.JSON),
        sa.Column("request_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("answered_at", instant),
        sa.Column("collected_micros", sa.BigInteger),
        sa.Column("collected_currency", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempts"),
        sa.UniqueConstraint("key", name="uq_payment_attempts_key"),
        sa.UniqueConstraint("purpose", "attempt", name="uq_payment_attempts_purpose_attempt"),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'declined', 'delayed', 'withdrawn', 'disputed')",
            name="ck_payment_attempts_state",
        ),
        sa.CheckConstraint(
            "outcome IN ('booked', 'credit', 'apart')", name="ck_payment_attempts_outcome"
        ),
    )
    op.create_index(
        "ix_payment_attempts_open",
        "payment_attempts",
        ["account_id"],
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    _protect()


def _protect() -> None:
    """What was asked for stays; only its answer, and what became of the money, move on."""
    if op.get_bind().dialect.name == "postgresql":
        refuse = "FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
        op.execute(
            "CREATE TRIGGER installation_no_change BEFORE UPDATE OR DELETE ON installation"
            f" {refuse}"
        )
        op.execute(
            "CREATE TRIGGER payment_attempts_fixed BEFORE UPDATE OF"
            f" {FIXED} ON payment_attempts {refuse}"
        )
        op.execute(
            f"CREATE TRIGGER payment_attempts_no_delete BEFORE DELETE ON payment_attempts {refuse}"
        )
        for table in ("installation", "payment_attempts"):
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
            )
        return
    _refuse("installation", "no_update", "UPDATE")
    _refuse("installation", "no_delete", "DELETE")
    _refuse("payment_attempts", "fixed", f"UPDATE OF {FIXED}")
    _refuse("payment_attempts", "no_delete", "DELETE")


def _refuse(table: str, name: str, event: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} are history; correct with new rows'); END"
    )
