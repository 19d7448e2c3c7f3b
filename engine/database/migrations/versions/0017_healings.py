"""What was undone of accounts that were pushed ahead, and which periods are to come again."""

import sqlalchemy as sa
from alembic import op

revision = "0017_healings"
down_revision = "0016_run_tables"


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("undone_from", sa.JSON))
    op.create_table(
        "healings",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "request_id", name="pk_healings"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_healings_account_id_accounts"
        ),
    )
