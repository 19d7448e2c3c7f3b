"""The tables of each run's result: its requests, and its windows over time."""

import sqlalchemy as sa
from alembic import op

revision = "0016_run_tables"
down_revision = "0015_rehearsed_charges"


def upgrade() -> None:
    op.create_table(
        "run_tables",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
