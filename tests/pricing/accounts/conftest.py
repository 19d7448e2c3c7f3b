"""Books that are copied as they stand, to be done otherwise with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.database import open_database
from tests import postgres

CopyOf = Callable[[Engine], Engine]


@pytest.fixture
def quick_db(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Empty books on SQLite that are not flushed with every commit."""
    file = shutil.copy(migrated_file, tmp_path / "lives.db")
    db = open_database(f"sqlite:///{file}")
    yield db
    db.dispose()


@pytest.fixture
def copy_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CopyOf]:
    """Copy a database; the copies go with the test."""
    numbers = count()
    with ExitStack() as stack:

        def copied(db: Engine) -> Engine:
            db.dispose()
            name = db.url.database
            assert name is not None
            if db.dialect.name == "sqlite":
                url = f"sqlite:///{shutil.copy(name, tmp_path / f'copy-{next(numbers)}.db')}"
            else:
                server = request.getfixturevalue("postgres_server")
                url = stack.enter_context(postgres.copied_database(server, name))
            other = open_database(url)
            stack.callback(other.dispose)
            return other

        yield copied


@pytest.fixture
def postgres_db(postgres_server: Engine, migrated_template: str) -> Iterator[Engine]:
    """Empty books on PostgreSQL, which takes several writers."""
    with postgres.copied_database(postgres_server, migrated_template) as url:
        db = open_database(url)
        yield db
        db.dispose()
