"""Tables are brought up to date when a database is opened.

A migration is a file in ``migrations/versions``, named as its revision and in order: the newest
is the last by name. That lets a database that is up to date be recognised by reading one row,
without loading the migration tool.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text

from engine.database.errors import DatabaseUnusableError, NewerDatabaseError, shown

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "loadmuster_version"

_MIGRATION_LOCK = 0x10AD
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time."""


def revisions() -> tuple[str, ...]:
    """Every revision that this version of loadmuster knows, oldest first."""
    return tuple(sorted(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def is_current(conn: Connection) -> bool:
    """Whether the newest revision is in place.

    Raises:
        NewerDatabaseError: If the database has a revision that is not known here.
        DatabaseUnusableError: If it holds tables of something else.
    """
    database = shown(conn.engine.url)
    tables = inspect(conn).get_table_names()
    if VERSION_TABLE not in tables:
        if tables:
            raise DatabaseUnusableError(
                f"database {database} belongs to something else: it has the table {tables[0]!r};"
                " give loadmuster a database of its own",
                database=database,
            )
        return False
    known = revisions()
    found = conn.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 - a constant
    if found is not None and found not in known:
        raise NewerDatabaseError(
            f"database {database} was written by a later version of loadmuster (it is at"
            f" {found}, this version knows {known[-1]}); install that version or name another"
            " database",
            database=database,
            found=found,
            newest_known=known[-1],
        )
    return bool(found == known[-1])


def upgrade(conn: Connection) -> None:
    """Bring the tables up to the newest revision, all of it or nothing.

    Args:
        conn: An open write transaction; another process may have been here just before.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    if is_current(conn):
        return
    # Imported here: it takes longer than anything else that a command does with the books.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": conn, "version_table": VERSION_TABLE})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
