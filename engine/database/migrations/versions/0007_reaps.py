"""When the reaper looked where, and what it found."""

import sqlalchemy as sa
from alembic import op

revision = "0007_reaps"
down_revision = "0006_run_payments"


def upgrade() -> None:
    op.create_table(
        "reaps",
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("rehearsal", sa.Boolean, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("machines", sa.Integer, nullable=False),
        sa.Column("orphans", sa.Integer, nullable=False),
        sa.Column("released", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("provider", "rehearsal", "region", "at", name="pk_reaps"),
    )
