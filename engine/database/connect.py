"""From a URL to a database that is ready: reached, configured and migrated."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.database.errors import DatabaseUnusableError, explained, shown
from engine.database.migrate import is_current, upgrade
from engine.database.queue import head_of_queue
from engine.database.unmade import await_first_write, take_unmade, to_read
from kernel.data_folder import data_folder
from kernel.extras import not_installed
from kernel.outside import in_transaction

BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10

_WRITES = "loadmuster_writes"
_PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    # Without it, INSERT OR REPLACE would delete rows behind the triggers' back.
    "recursive_triggers = ON",
    # In KiB. A page of accounts that are renewed together dirties more than the 2 MiB that it has
    # otherwise; what does not fit is written to the log, read back and written once more.
    "cache_size = -16384",
)
_RIGHT_URL = "sqlite:///path/to/file.db or postgresql+psycopg://user@host/database would be right"


def open_database(url: str | None, *, at_first_write: bool = False) -> Engine:
    """Open a database, create what is missing, and bring its tables up to date.

    Args:
        url: A SQLAlchemy URL; None: a SQLite file in the user's data folder.
        at_first_write: Leave a file that is not there to the first transaction: until then reads
            find empty books.

    Raises:
        DatabaseUnusableError: If the URL is wrong, the server cannot be reached, the file is no
            database or one of another program, or permissions are missing.
        NewerDatabaseError: If a later version of loadmuster wrote it.
        DatabaseBusyError: If another process holds it.
    """
    parsed = _parse(url)
    db = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
    if not (at_first_write and await_first_write(db)):
        _prepare(db)
    return db


def _prepare(db: Engine) -> None:
    """Make what is missing of it, and bring its tables up to date."""
    parsed = db.url
    if db.dialect.name == "sqlite":
        _make_folder(parsed)
    try:
        with db.connect() as conn:
            current = is_current(conn)
        _keep_write_ahead_log(db)
        if not current:
            with _writing(db) as conn:
                upgrade(conn)
    except DBAPIError as error:
        db.dispose()
        raise explained(parsed, error) from error
    except BaseException:
        db.dispose()
        raise


@contextmanager
def transaction(db: Engine) -> Iterator[Connection]:
    """One write transaction: committed at the end, or rolled back by an exception.

    On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so that what it reads is still
    true when it writes. To only read, ``reading`` will do.

    Raises:
        DatabaseBusyError: If the lock is not to be had in time.
        DatabaseUnusableError: If the database fails on the way.
    """
    if take_unmade(db):
        _prepare(db)
    try:
        with in_transaction(), _writing(db) as conn:
            yield conn
    except OperationalError as error:
        raise explained(db.url, error) from error


@contextmanager
def undone(db: Engine) -> Iterator[Connection]:
    """A write transaction of which nothing is kept: it shows what would be.

    Raises:
        DatabaseBusyError: If the lock is not to be had in time.
        DatabaseUnusableError: If the database fails on the way.
    """
    try:
        # Closing a connection rolls back what it has begun.
        there = to_read(db, open_database)
        with in_transaction(), there.execution_options(**{_WRITES: True}).connect() as conn:
            yield conn
    except OperationalError as error:
        raise explained(db.url, error) from error


@contextmanager
def reading(db: Engine) -> Iterator[Connection]:
    """A connection that only reads, and never waits for a writer.

    Raises:
        DatabaseUnusableError: If the database fails on the way.
    """
    try:
        with to_read(db, open_database).connect() as conn:
            yield conn
    except OperationalError as error:
        raise explained(db.url, error) from error


def default_url() -> URL:
    """The SQLite file in the user's data folder."""
    return URL.create("sqlite", database=str(data_folder() / "loadmuster.db"))


def _writing(db: Engine) -> AbstractContextManager[Connection]:
    return db.execution_options(**{_WRITES: True}).begin()


def _parse(url: str | None) -> URL:
    if url is None:
        return default_url()
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text may hold a password: do not repeat it.
        raise DatabaseUnusableError(f"--db: not a database URL; {_RIGHT_URL}") from None
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise DatabaseUnusableError(
            f"--db: {parsed.drivername!r} is no supported kind of database; {_RIGHT_URL}",
            database=shown(parsed),
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise DatabaseUnusableError(
            f"--db: {shown(parsed)!r} names no file, and books in memory would be lost;"
            " sqlite:///path/to/file.db would be right",
            database=shown(parsed),
        )
    return parsed


def _sqlite(url: URL) -> Engine:
    assert url.database is not None
    file = Path(url.database)
    effective_ids = os.access in os.supports_effective_ids
    if os.access(file, os.F_OK) and not os.access(file, os.W_OK, effective_ids=effective_ids):
        raise DatabaseUnusableError(
            f"database {shown(url)}: no write permission; change its permissions or name another"
            " file",
            database=shown(url),
        )
    db = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(db, "connect")
    def configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins is switched off; see below.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(db, "begin")
    def begin(conn: Connection) -> None:
        if not conn.get_execution_options().get(_WRITES, False):
            conn.exec_driver_sql("BEGIN")
            return
        with head_of_queue(file, wait_s=BUSY_TIMEOUT_S):
            conn.exec_driver_sql("BEGIN IMMEDIATE")

    return db


def _make_folder(url: URL) -> None:
    assert url.database is not None
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusableError(
            f"database {shown(url)}: cannot create the folder {folder}: {error.strerror};"
            " name a file you may write",
            database=shown(url),
        ) from error


def _keep_write_ahead_log(db: Engine) -> None:
    """Let readers and the writer work side by side; SQLite remembers it in the file."""
    if db.dialect.name != "sqlite":
        return
    with (
        closing(db.raw_connection()) as connection,
        closing(connection.cursor()) as cursor,
        # When many open a new file at once, this alone is not made to wait: one of them does it.
        suppress(sqlite3.OperationalError),
    ):
        cursor.execute("PRAGMA journal_mode = WAL")


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnusableError(
            f"database {shown(url)}: {not_installed('the PostgreSQL driver', 'postgres')}",
            database=shown(url),
        ) from error
