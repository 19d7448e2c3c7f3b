"""A PostgreSQL server of one's own, and databases on it that are copies of another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import Engine, text

from benchmarks import databases
from engine.database import open_database
from tests.owned import ends_with_us

MIGRATED = "migrated"
_NUMBERS = count()


@contextmanager
def postgres_server() -> Iterator[Engine]:
    """A server by its administrative connection; it is gone afterwards."""
    with databases.postgres_server() as admin:
        with admin.connect() as conn:
            # The tests end processes, not machines.
            conn.execute(text("ALTER SYSTEM SET fsync = off"))
            conn.execute(text("SELECT pg_reload_conf()"))
            first_line = text("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)")
            pid = int(conn.execute(first_line).scalar_one())
        with ends_with_us(pid):
            yield admin


def migrate_template(server: Engine) -> str:
    """Make a database with empty books, to be copied, and return its name."""
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {MIGRATED} STRATEGY file_copy"))
    open_database(url_of(server, MIGRATED)).dispose()
    return MIGRATED


@contextmanager
def copied_database(server: Engine, template: str) -> Iterator[str]:
    """The URL of a database of its own, copied from another; dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    yield url_of(server, name)
    with server.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def url_of(server: Engine, database: str) -> str:
    """The URL of a database on the server, with what it takes to get in."""
    return server.url.set(database=database).render_as_string(hide_password=False)
