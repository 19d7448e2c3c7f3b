"""The secret that an account's digests are made with; it goes with the account."""

import sqlalchemy as sa
from alembic import op

revision = "0027_digest_keys"
down_revision = "0025b_disputes"

_RANDOM = {
    "sqlite": "lower(hex(randomblob(32)))",
    "postgresql": "replace(concat(gen_random_uuid(), gen_random_uuid()), '-', '')",
}


def upgrade() -> None:
    op.add_column("accounts", sa.Column("digest_key", sa.Text))
    key = _RANDOM[op.get_bind().dialect.name]
    op.execute(f"UPDATE accounts SET digest_key = {key} WHERE deleted_at IS NULL")  # noqa: S608
