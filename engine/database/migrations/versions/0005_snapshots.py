"""Snapshots of balances, and indexes by which nothing that a command reads is a scan of history."""

import sqlalchemy as sa
from alembic import op

revision = "0005_snapshots"
down_revision = "0004_departments"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Table, index that goes, columns of the one that comes; either may be missing.
_INDEXES = (
    ("postings", "ix_postings_balance", ["account_id", "id"]),
    ("transactions", "ix_transactions_account_id", ["account_id", "effective_at"]),
    ("lots", "ix_lots_account_id", ["account_id", "expires_at"]),
    ("reservations", "ix_reservations_account_id", ["account_id", "state", "ended_at"]),
    ("slices", "ix_slices_lot_id", None),
    ("changes", None, ["subscription_id", "kind", "state"]),
)


def upgrade() -> None:
    for table, old, columns in _INDEXES:
        if old is not None:
            op.drop_index(old, table)
        if columns is not None:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    _create_snapshots()
    if op.get_bind().dialect.name == "postgresql":
        _delete_as_a_whole_on_postgresql()
    else:
        _delete_as_a_whole_on_sqlite()


def _create_snapshots() -> None:
    op.create_table(
        "snapshot_marks",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("up_to_posting_id", _ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_snapshot_marks"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_snapshot_marks_account_id_accounts"
        ),
    )
    op.create_table(
        "balance_snapshots",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("ledger_account", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "unit", "ledger_account", name="pk_balance_snapshots"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["snapshot_marks.account_id"],
            name="fk_balance_snapshots_account_id_snapshot_marks",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_balance_snapshots_held",
        "balance_snapshots",
        ["account_id", "unit"],
        sqlite_where=sa.text("amount <> 0"),
        postgresql_where=sa.text("amount <> 0"),
    )


def _delete_as_a_whole_on_sqlite() -> None:
    """A snapshot that goes takes the account's mark along, and the mark all its snapshots."""
    op.execute(
        "CREATE TRIGGER balance_snapshots_delete AFTER DELETE ON balance_snapshots"
        " BEGIN DELETE FROM snapshot_marks WHERE account_id = OLD.account_id; END"
    )


def _delete_as_a_whole_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION loadmuster_snapshot_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'TRUNCATE' THEN DELETE FROM snapshot_marks;"
        " ELSE DELETE FROM snapshot_marks WHERE account_id = OLD.account_id; END IF;"
        " RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER balance_snapshots_delete AFTER DELETE ON balance_snapshots"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_snapshot_deleted()"
    )
    op.execute(
        "CREATE TRIGGER balance_snapshots_truncate AFTER TRUNCATE ON balance_snapshots"
        " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_snapshot_deleted()"
    )
