"""What was done with accounts that did not pay, step by step; and cards that will never pay."""

import sqlalchemy as sa
from alembic import op

revision = "0024_dunning"
down_revision = "0023_due_accounts"

# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
# What lies after its account's last command may go when that is healed.
_IS_HISTORY = "OLD.at <= (SELECT last_command_at FROM accounts WHERE id = OLD.account_id)"


def upgrade() -> None:
    op.create_table(
        "dunning_steps",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("due_before", _INSTANT, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("usd_micros", sa.BigInteger, nullable=False),
        sa.Column("unpaid", sa.JSON, nullable=False),
        sa.Column("next_kind", sa.Text),
        sa.Column("next_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_dunning_steps"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_dunning_steps_account_id_accounts"
        ),
        sa.UniqueConstraint(
            "account_id",
            "due_before",
            "day",
            "kind",
            name="uq_dunning_steps_account_id_due_before_day_kind",
        ),
        sa.CheckConstraint(
            "kind IN ('reminded', 'asked', 'suspended', 'ended')", name="ck_dunning_steps_kind"
        ),
    )
    # Why the channel will never take the card that is on record; empty: it may.
    op.add_column("accounts", sa.Column("card_lost", sa.Text))
    # Who owes something is looked at by the next sweep.
    op.execute(
        "UPDATE accounts SET next_due_at = NULL WHERE id IN"
        " (SELECT account_id FROM payments WHERE state IN ('declined', 'delayed'))"
    )
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql()
    else:
        _protect_on_sqlite()


def _protect_on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'dunning_steps are history; correct with new rows'); END"
    op.execute(f"CREATE TRIGGER dunning_steps_fixed BEFORE UPDATE ON dunning_steps {refuse}")
    op.execute(
        "CREATE TRIGGER dunning_steps_no_delete BEFORE DELETE ON dunning_steps"
        f" WHEN {_IS_HISTORY} {refuse}"
    )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER dunning_steps_fixed BEFORE UPDATE ON dunning_steps"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
    )
    op.execute(
        "CREATE FUNCTION loadmuster_dunning_steps_history() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN IF {_IS_HISTORY} THEN"
        " RAISE EXCEPTION '% are history; correct with new rows', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER dunning_steps_no_delete BEFORE DELETE ON dunning_steps"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_dunning_steps_history()"
    )
    op.execute(
        "CREATE TRIGGER dunning_steps_no_truncate BEFORE TRUNCATE ON dunning_steps"
        " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
    )
