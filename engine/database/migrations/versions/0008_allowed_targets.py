"""The hosts that runs of an account on a real cloud may load."""

import sqlalchemy as sa
from alembic import op

revision = "0008_allowed_targets"
down_revision = "0007_reaps"


def upgrade() -> None:
    op.create_table(
        "allowed_targets",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "host", name="pk_allowed_targets"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_allowed_targets_account_id_accounts"
        ),
    )
