"""Where lives are played: one database, renewed for each, and statements that are compiled once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from engine.database import open_database
from tests.billing_simulator.crashes import Crashes


@dataclass(frozen=True)
class Ground:
    """One process's place for its lives, one after the other.

    Attributes:
        folder: In memory where there is such a place: nothing here survives a power cut anyway.
        db: The database of the life that is being played.
        crashes: Kills the process of that database.
    """

    folder: Path
    db: Engine
    crashes: Crashes

    def renew(self) -> None:
        """An empty database, migrated long ago."""
        self.crashes.arm(None)
        self.db.dispose()
        for file in self.folder.glob("books.db*"):
            file.unlink()
        shutil.copy(self.folder / "empty.db", self.folder / "books.db")


@contextmanager
def made_ground() -> Iterator[Ground]:
    """A ground that is gone afterwards."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    parent = shared_memory if shared_memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="lm-fleets-", dir=parent) as name:
        folder = Path(name)
        open_database(f"sqlite:///{folder / 'empty.db'}").dispose()
        shutil.copy(folder / "empty.db", folder / "books.db")
        db = open_database(f"sqlite:///{folder / 'books.db'}")
        yield Ground(folder, db, Crashes(db))
        db.dispose()
