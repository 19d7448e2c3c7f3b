"""What the controller of a run saw at its last look."""

import sqlalchemy as sa
from alembic import op

revision = "0013_sightings"
down_revision = "0012_test_clocks"


def upgrade() -> None:
    op.add_column("runs", sa.Column("last_seen", sa.JSON))
