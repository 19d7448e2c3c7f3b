"""Which clock an account lives by; of those that are there already it is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0012_test_clocks"
down_revision = "0011_program_bundles"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("test_clock", sa.Boolean))
