"""Who did what: a log of commands, names of people apart from it, and who wrote what."""

import sqlalchemy as sa
from alembic import op

revision = "0022_commands"
down_revision = "0021_parties_and_tax"

# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "persons",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_persons"),
        sa.UniqueConstraint("account_id", "name", name="uq_persons_account_id_name"),
        sa.CheckConstraint("kind IN ('person', 'service')", name="ck_persons_kind"),
    )
    op.create_table(
        "commands",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        sa.Column("account_id", sa.Text),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("actor_id", _ROW_ID, nullable=False),
        sa.Column("login_id", _ROW_ID),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_commands_account_id_accounts"
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["persons.id"], name="fk_commands_actor_id_persons"),
        sa.ForeignKeyConstraint(["login_id"], ["persons.id"], name="fk_commands_login_id_persons"),
        sa.CheckConstraint(
            "outcome IN ('done', 'repeated', 'refused')", name="ck_commands_outcome"
        ),
        sa.CheckConstraint("(code IS NOT NULL) = (outcome = 'refused')", name="ck_commands_code"),
    )
    op.create_index("ix_commands_account_id_id", "commands", ["account_id", "id"])
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE transactions ADD COLUMN command_id {number}"
        " CONSTRAINT fk_transactions_command_id_commands REFERENCES commands (id)"
    )
    if op.get_bind().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def _protect_on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, '{} are history; correct with new rows'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER commands_no_{verb.lower()} BEFORE {verb} ON commands "
            + refuse.format("commands")
        )
    op.execute(
        "CREATE TRIGGER persons_no_delete BEFORE DELETE ON persons " + refuse.format("persons")
    )
    # A name may be forgotten, and nothing else.
    op.execute(
        "CREATE TRIGGER persons_no_update BEFORE UPDATE ON persons WHEN NEW.name IS NOT NULL"
        " OR NEW.id <> OLD.id OR NEW.account_id <> OLD.account_id OR NEW.kind <> OLD.kind "
        + refuse.format("persons")
    )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER commands_no_change BEFORE UPDATE OR DELETE ON commands"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
    )
    op.execute(
        "CREATE TRIGGER persons_no_delete BEFORE DELETE ON persons"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
    )
    op.execute(
        "CREATE TRIGGER persons_no_update BEFORE UPDATE ON persons FOR EACH ROW"
        " WHEN (NEW.name IS NOT NULL OR NEW.id <> OLD.id OR NEW.account_id <> OLD.account_id"
        " OR NEW.kind <> OLD.kind) EXECUTE FUNCTION loadmuster_history()"
    )
    for table in ("commands", "persons"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
        )
