"""Databases are opened by URL, migrated on the way, and refused when they will not do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, create_engine, inspect, select, table, text

from engine.database import (
    DatabaseBusyError,
    DatabaseUnusableError,
    NewerDatabaseError,
    connect,
    open_database,
    transaction,
)
from engine.database.migrate import MIGRATIONS, VERSION_TABLE, revisions
from kernel.errors import RefusedError
from pricing.tables import METADATA
from tests.patience import PATIENCE_S

import_module("engine.runs.model.tables")  # adds its tables to METADATA

NOBODY = 65534

VERSION = table(VERSION_TABLE, column("version_num"))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere: be somebody who may not."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="lm-public-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_opening_migrates_to_exactly_the_tables_of_the_code(blank_database_url: str) -> None:
    db = open_database(blank_database_url)
    with db.connect() as conn:
        context = MigrationContext.configure(
            conn, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        differences = compare_metadata(context, METADATA)
    db.dispose()
    assert differences == []


def test_opening_again_changes_nothing(blank_database_url: str) -> None:
    for _ in range(2):
        db = open_database(blank_database_url)
        with db.connect() as conn:
            found = conn.execute(select(VERSION.c.version_num)).scalars().all()
        db.dispose()
        assert found == [revisions()[-1]]


def test_the_newest_migration_is_the_last_by_name_as_alembic_sees_it() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [revisions()[-1]]
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(revisions()))


def test_processes_that_open_a_new_database_at_once_all_succeed(blank_database_url: str) -> None:
    program = f"from engine.database import open_database; open_database({blank_database_url!r})"
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)
    ]
    for process in processes:
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said.decode()


def test_without_a_url_the_file_is_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    db = open_database(None)
    db.dispose()
    assert (tmp_path / "data" / "loadmuster" / "loadmuster.db").is_file()


def test_sqlite_flushes_every_commit_and_enforces_references(tmp_path: Path) -> None:
    """In a program of its own: the tests' own commits are not flushed."""
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    program = f"""
from engine.database import open_database
with open_database("sqlite:///{tmp_path / "books.db"}").connect() as conn:
    print([conn.exec_driver_sql(f"PRAGMA {{name}}").scalar_one() for name in {names}])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (told.stdout, told.stderr) == (b"['wal', 2, 1, 30000]\n", b"")


def test_a_transaction_is_all_or_nothing(db: Engine) -> None:
    def insert_and_fail() -> None:
        with transaction(db) as conn:
            conn.execute(VERSION.update().values(version_num="x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insert_and_fail()
    with db.connect() as conn:
        found = conn.execute(select(VERSION.c.version_num)).scalar_one()
    assert found == revisions()[-1]


def test_a_newer_database_is_refused_and_left_as_it_is(database_url: str) -> None:
    db = open_database(database_url)
    with transaction(db) as conn:
        conn.execute(VERSION.update().values(version_num="9999_mars"))
    db.dispose()
    with pytest.raises(NewerDatabaseError, match="later version of loadmuster") as refused:
        open_database(database_url)
    assert refused.value.facts["found"] == "9999_mars"
    assert refused.value.facts["newest_known"] == revisions()[-1]


def test_a_database_of_something_else_is_refused_and_left_as_it_is(
    blank_database_url: str,
) -> None:
    other = create_engine(blank_database_url)
    with other.begin() as conn:
        conn.execute(text("CREATE TABLE recipes (name TEXT)"))
    with pytest.raises(DatabaseUnusableError, match="it has the table 'recipes'"):
        open_database(blank_database_url)
    assert inspect(other).get_table_names() == ["recipes"]
    other.dispose()


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\n" * 1000)
    with pytest.raises(DatabaseUnusableError, match="not a SQLite database; name another file"):
        open_database(f"sqlite:///{file}")
    assert file.read_text() == "buy milk\n" * 1000


def test_without_permission_to_create_the_file_it_is_refused(public_folder: Path) -> None:
    public_folder.chmod(0o555)
    for name in ("books.db", "below/books.db"):
        with as_nobody(), pytest.raises(DatabaseUnusableError, match="name a file you may write"):
            open_database(f"sqlite:///{public_folder / name}")
    assert list(public_folder.iterdir()) == []


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o777, 0o444), (0o555, 0o666)])
def test_without_permission_to_write_to_the_file_it_is_refused(
    migrated_file: Path, public_folder: Path, folder_mode: int, file_mode: int
) -> None:
    file = Path(shutil.copy(migrated_file, public_folder / "books.db"))
    file.chmod(file_mode)
    public_folder.chmod(folder_mode)
    with as_nobody(), pytest.raises(DatabaseUnusableError, match=r"you may write|no write"):
        open_database(f"sqlite:///{file}")
    assert file.read_bytes() == migrated_file.read_bytes()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("books.db", "not a database URL; sqlite:///path"),
        ("", "not a database URL"),
        ("mysql://root@localhost/books", "'mysql' is no supported kind of database"),
        ("sqlite+aiosqlite:///books.db", "no supported kind of database"),
        ("sqlite://", "books in memory would be lost"),
        ("sqlite:///:memory:", "books in memory would be lost"),
        ("postgresql+psycopg://u:s3cret@localhost:99999999/x", "not a database URL|port"),
        ("postgresql+psycopg://u:s3cret@127.0.0.1:1/x", "check that the server runs"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(DatabaseUnusableError, match=said) as refused:
        open_database(url)
    assert "s3cret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_database_that_does_not_exist_on_the_server_is_refused(postgres_server: Engine) -> None:
    url = postgres_server.url.set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnusableError, match=r'"nowhere" does not exist; create it first'):
        open_database(url)


def test_a_database_that_another_process_holds_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'books.db'}"
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.05)
    db = open_database(url)
    holder = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusyError, match="another process is writing; try again"):
        transaction(db).__enter__()
    assert issubclass(DatabaseBusyError, RefusedError)
    holder.close()
    with transaction(db) as conn:
        assert conn.execute(text("SELECT 1")).scalar_one() == 1
    db.dispose()
