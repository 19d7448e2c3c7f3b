"""What rehearsed runs would be charged, beside the books."""

import sqlalchemy as sa
from alembic import op

revision = "0015_rehearsed_charges"
down_revision = "0014_boundaries"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rehearsed_charges",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("department_id", ROW_ID),
        sa.Column("quote", sa.JSON, nullable=False),
        sa.Column("extra_li_minutes", sa.BigInteger, nullable=False),
        sa.Column("extra_usd_micros", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("kept_startup", sa.BigInteger),
        sa.Column("kept_use", sa.BigInteger),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("charged_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("run_id", name="pk_rehearsed_charges"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_rehearsed_charges_account_id_accounts"
        ),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["departments.id"],
            name="fk_rehearsed_charges_department_id_departments",
        ),
        sa.CheckConstraint(
            "state IN ('open', 'charged', 'void')", name="ck_rehearsed_charges_state"
        ),
    )
    for column in ("account_id", "department_id"):
        op.create_index(f"ix_rehearsed_charges_{column}", "rehearsed_charges", [column])
