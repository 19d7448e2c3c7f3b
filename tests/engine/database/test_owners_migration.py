"""Accounts from before each had an owner."""

from __future__ import annotations

from datetime import UTC, datetime

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, select

from engine.database import open_database
from engine.database.migrate import MIGRATIONS, VERSION_TABLE
from pricing.tables import ADMINISTRATORS

BEFORE = "0014_boundaries"
THEN = datetime(2027, 1, 25, 9, tzinfo=UTC)


def test_an_account_that_named_nobody_gets_the_owner_and_others_keep_theirs(
    blank_database_url: str,
) -> None:
    db = create_engine(blank_database_url)
    with db.begin() as conn:
        config = Config(attributes={"connection": conn, "version_table": VERSION_TABLE})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, BEFORE)
    tables = MetaData()
    tables.reflect(db)
    instants = dict.fromkeys(("activated_at", "opened_at", "last_command_at"), THEN)
    with db.begin() as conn:
        for name in ("anns", "plain"):
            row = {"id": name, "timezone": "UTC", "opening_hash": "", **instants}
            conn.execute(tables.tables["accounts"].insert().values(**row))
        conn.execute(tables.tables["administrators"].insert().values(account_id="anns", name="ann"))
    db.dispose()
    database = open_database(blank_database_url)
    with database.connect() as conn:
        rows = conn.execute(select(ADMINISTRATORS).order_by(ADMINISTRATORS.c.account_id))
        assert [tuple(row) for row in rows] == [("anns", "ann"), ("plain", "owner")]
    database.dispose()
