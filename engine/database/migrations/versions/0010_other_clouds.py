"""Where the other rehearsed clouds of a run are."""

import sqlalchemy as sa
from alembic import op

revision = "0010_other_clouds"
down_revision = "0009_detours"


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("other_endpoints", sa.JSON, nullable=False, server_default="{}")
    )
