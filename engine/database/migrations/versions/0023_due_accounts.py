"""When something next falls due for an account, by an index; of those that are there: unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0023_due_accounts"
down_revision = "0022b_history"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("next_due_at", sa.DateTime(timezone=True)))
    op.create_index("ix_accounts_next_due_at_id", "accounts", ["next_due_at", "id"])
