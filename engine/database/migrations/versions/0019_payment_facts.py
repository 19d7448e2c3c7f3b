"""Whether a payment was only rehearsed, and whether a card was on record when it was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0019_payment_facts"
down_revision = "0018_owners"


def upgrade() -> None:
    op.add_column("payments", sa.Column("rehearsed", sa.Boolean))
    op.add_column("payments", sa.Column("had_card", sa.Boolean))
