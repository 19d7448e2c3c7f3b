"""The files of the programs that put load on, kept once for all runs of the same files."""

import sqlalchemy as sa
from alembic import op

revision = "0011_program_bundles"
down_revision = "0010_other_clouds"


def upgrade() -> None:
    op.create_table(
        "program_bundles",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_program_bundles"),
    )
