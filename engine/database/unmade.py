"""Databases that are not there yet: looking at one shows nothing, and does not make it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

from sqlalchemy import Engine

from engine.database.errors import DatabaseNotThereError, DatabaseUnusableError, shown

EmptyBooks = Callable[[str], Engine]
"""Opens, and makes, the database of a URL."""

_unmade: WeakSet[Engine] = WeakSet()
_lock = threading.RLock()
_stand_ins: list[tuple[Engine, tempfile.TemporaryDirectory[str]]] = []


def await_first_write(db: Engine) -> bool:
    """Whether a file is not there yet; it is made by the first transaction, not by reads."""
    if db.dialect.name != "sqlite" or _is_there(db):
        return False
    _unmade.add(db)
    return True


def is_unmade(db: Engine) -> bool:
    """Whether the database is a file that is still to be made.

    Raises:
        DatabaseUnusableError: It is, and could not be.
    """
    if db not in _unmade or _is_there(db):
        return False
    file = Path(str(db.url.database))
    place = next(each for each in file.absolute().parents if each.is_dir())
    try:
        with tempfile.TemporaryDirectory(dir=place):
            return True
    except OSError as error:
        url = db.url.render_as_string(hide_password=True)
        raise DatabaseUnusableError(
            f"database {url}: cannot be made in {place}: {error.strerror}; name a file you may"
            " write",
            database=url,
        ) from error


def check_made(db: Engine) -> None:
    """Refuse to vouch for a database that nobody has made: its name is a slip.

    Raises:
        DatabaseNotThereError: It is still to be made.
    """
    if db in _unmade and not _is_there(db):
        url = shown(db.url)
        raise DatabaseNotThereError(
            f"database {url}: is not there, so that nothing can be said of it; name the one that"
            " is meant with --db or LOADMUSTER_DB",
            database=url,
        )


def take_unmade(db: Engine) -> bool:
    """Whether the database is still to be made; who is told so makes it."""
    with _lock:
        if db not in _unmade:
            return False
        _unmade.discard(db)
        return True


def to_read(db: Engine, open_empty: EmptyBooks) -> Engine:
    """The database; in the place of one that nobody has made yet an empty one, elsewhere."""
    if db not in _unmade or _is_there(db):
        return db
    with _lock:
        if not _stand_ins:
            folder = tempfile.TemporaryDirectory(prefix="loadmuster-")
            _stand_ins.append((open_empty(f"sqlite:///{folder.name}/empty.db"), folder))
        return _stand_ins[0][0]


def _is_there(db: Engine) -> bool:
    assert db.url.database is not None
    return Path(db.url.database).exists()
