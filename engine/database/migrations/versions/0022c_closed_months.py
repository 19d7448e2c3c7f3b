"""Months of the books that are closed, and when a transaction is posted that counts in one."""

import sqlalchemy as sa
from alembic import op

revision = "0022c_closed_months"
down_revision = "0022b_history"

# SQLite numbers the rows by itself only when the type is exactly INTEGER.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_IS_CLOSED = "COALESCE(NEW.posting_at, NEW.effective_at) < (SELECT MAX(ends_at) FROM closed_months)"
_SAID = "the month is closed; post in the open one"


def upgrade() -> None:
    op.create_table(
        "closed_months",
        sa.Column("month", sa.Text, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("command_id", _ROW_ID),
        sa.PrimaryKeyConstraint("month", name="pk_closed_months"),
        sa.ForeignKeyConstraint(
            ["command_id"], ["commands.id"], name="fk_closed_months_command_id_commands"
        ),
    )
    op.add_column("transactions", sa.Column("posting_at", _INSTANT))
    if op.get_bind().dialect.name == "postgresql":
        _protect_on_postgresql()
    else:
        _protect_on_sqlite()


def _protect_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER closed_months_no_{verb.lower()} BEFORE {verb} ON closed_months BEGIN"
            " SELECT RAISE(ABORT, 'closed_months are history; correct with new rows'); END"
        )
    op.execute(
        "CREATE TRIGGER transactions_in_open_months BEFORE INSERT ON transactions"
        f" WHEN {_IS_CLOSED} BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
    )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER closed_months_no_change BEFORE UPDATE OR DELETE ON closed_months"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_history()"
    )
    op.execute(
        "CREATE TRIGGER closed_months_no_truncate BEFORE TRUNCATE ON closed_months"
        " FOR EACH STATEMENT EXECUTE FUNCTION loadmuster_history()"
    )
    # Whoever waited for the closing to commit may ask again, and posts in the open month then.
    op.execute(
        "CREATE FUNCTION loadmuster_in_open_months() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {_IS_CLOSED} THEN RAISE EXCEPTION '{_SAID}'"
        " USING ERRCODE = 'serialization_failure'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER transactions_in_open_months BEFORE INSERT ON transactions"
        " FOR EACH ROW EXECUTE FUNCTION loadmuster_in_open_months()"
    )
