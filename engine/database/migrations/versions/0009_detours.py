"""Where each try of a launch went, and which places refused a moment ago."""

import sqlalchemy as sa
from alembic import op

revision = "0009_detours"
down_revision = "0008_allowed_targets"


def upgrade() -> None:
    op.add_column("runs", sa.Column("routes", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "shortages",
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("machine_type", sa.Text, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "region", "machine_type", name="pk_shortages"),
    )
