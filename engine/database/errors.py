"""What can be wrong with a database, as one line for a person.

BadInputError
├── DatabaseUnusableError   the URL, the file, the server or the permissions
│   ├── DatabaseFullError   its disk has no room
│   └── DatabaseNotThereError   nobody has made it, and what is asked is whether it is well
└── NewerDatabaseError      written by a later version of loadmuster
RefusedError
└── DatabaseBusyError       somebody else holds it for longer than we wait
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from kernel.disk import free_on
from kernel.errors import BadInputError, LoadmusterError, RefusedError

# Fragments of the drivers' messages, and what would be right then.
_FULL = ("disk is full", "No space left on device", "Disk quota exceeded", "disk full")
_DISK_FAILED = "SQLITE_IOERR"
"""How SQLite's names of errors begin where its log cannot grow, where a limit on files is reached,
or where the disk is broken."""

_REMEDIES = (
    ("not a database", "it is not a SQLite database; name another file"),
    ("readonly database", "no write permission; change its permissions or name another file"),
    ("unable to open database", "no permission, or no such folder; name a file you may write"),
    ("permission denied", "no write permission; grant it, or use another role"),
    ("authentication failed", "the server refuses this user; check name and password"),
    ("does not exist", "create it first, or name another one"),
)


class DatabaseUnusableError(BadInputError):
    """The URL, the file, the server or the permissions are wrong; facts: ``database``."""

    code = "database_unusable"


class DatabaseFullError(DatabaseUnusableError):
    """Its disk takes no more: nothing of a transaction was written; facts: ``database``.

    Args:
        why: What is full, and how full.
        kept: What is on record all the same; empty: nothing of what was asked for is.
        database: Which.
    """

    code = "database_full"

    def __init__(self, why: str, *, kept: str = "", database: str) -> None:
        said = kept or "nothing was written, make room"
        super().__init__(f"database {database}: {why}; {said}", database=database)
        self.why = why


class DatabaseNotThereError(DatabaseUnusableError):
    """Nobody has made it, so that nothing can be vouched for; facts: ``database``.

    What only shows what there is reads it as an empty one.
    """

    code = "database_not_there"


class NewerDatabaseError(BadInputError):
    """A later version of loadmuster wrote it; facts: ``database``, ``found``, ``newest_known``."""

    code = "database_newer"


class DatabaseBusyError(RefusedError):
    """Another process writes to it for too long; nothing was done; facts: ``database``."""

    code = "database_busy"


def shown(url: URL) -> str:
    """The URL for people: without its password."""
    return url.render_as_string(hide_password=True)


def explained(url: URL, error: DBAPIError) -> LoadmusterError:
    """The driver's error as one of ours."""
    said = " ".join(str(error.orig).split())
    database = shown(url)
    if "database is locked" in said or "deadlock detected" in said:
        return DatabaseBusyError(
            f"database {database} is busy: another process is writing; try again",
            database=database,
        )
    is_full = any(fragment in said for fragment in _FULL)
    if is_full or getattr(error.orig, "sqlite_errorname", "").startswith(_DISK_FAILED):
        why = "the disk is full" if is_full else "the disk takes no more, or is at fault"
        return DatabaseFullError(f"{why} ({_free(url)})", database=database)
    remedy = next(
        (remedy for fragment, remedy in _REMEDIES if fragment in said),
        "check that the server runs and can be reached"
        if url.get_backend_name() == "postgresql"
        else "check the file and its folder",
    )
    return DatabaseUnusableError(f"database {database}: {said}; {remedy}", database=database)


def _free(url: URL) -> str:
    if url.get_backend_name() != "sqlite" or url.database is None:
        return "its server knows how much is free"
    return free_on(Path(url.database))
