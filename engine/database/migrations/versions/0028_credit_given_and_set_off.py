"""What of a refund is paid out of the credit, and what of a payment is set off against it."""

import sqlalchemy as sa
from alembic import op

revision = "0028_credit_given_and_set_off"
down_revision = "0027_digest_keys"

OF_CREDIT = "ledger_account = 'credit'"


def upgrade() -> None:
    none = sa.text("0")
    op.add_column(
        "refunds",
        sa.Column("from_credit_usd_micros", sa.BigInteger, nullable=False, server_default=none),
    )
    op.create_index(
        "ix_postings_credit",
        "postings",
        ["account_id"],
        sqlite_where=sa.text(OF_CREDIT),
        postgresql_where=sa.text(OF_CREDIT),
    )
    for table in ("payments", "payment_attempts"):
        op.add_column(
            table,
            sa.Column("set_off_usd_micros", sa.BigInteger, nullable=False, server_default=none),
        )
