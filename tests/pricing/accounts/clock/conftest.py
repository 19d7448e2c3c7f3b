"""Books in a SQLite file: the clock is the same whatever keeps the books."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.database import open_database


@pytest.fixture
def books(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Empty books."""
    engine = open_database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}")
    yield engine
    engine.dispose()
