"""Runs, their timelines, and the leases under which they are driven."""

import sqlalchemy as sa
from alembic import op

revision = "0002_runs"
down_revision = "0001_books"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("order_document", sa.JSON, nullable=False),
        sa.Column("accepted_at", _INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cancel_at", _INSTANT),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("intent_at", _INSTANT),
        sa.Column("launched_at", _INSTANT),
        sa.Column("load_started_at", _INSTANT),
        sa.Column("release_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
        sa.Column("machines", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("endpoint", sa.Text),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_runs_account_id_accounts"
        ),
        sa.UniqueConstraint("account_id", "request_id", name="uq_runs_account_id_request_id"),
    )
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_index("ix_runs_account_id_accepted_at", "runs", ["account_id", "accepted_at"])
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id_runs"),
    )
