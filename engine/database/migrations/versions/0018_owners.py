"""An account that names no administrator is the installation's owner's."""

from alembic import op

revision = "0018_owners"
down_revision = "0017_healings"


def upgrade() -> None:
    op.execute(
        "INSERT INTO administrators (account_id, name) SELECT id, 'owner' FROM accounts"
        " WHERE NOT EXISTS (SELECT 1 FROM administrators WHERE account_id = accounts.id)"
    )
