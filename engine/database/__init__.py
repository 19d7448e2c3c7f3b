"""The database: opened by URL, migrated on the way, written in one transaction at a time.

SQLite (write-ahead log, every commit flushed) is the default, a file in the user's data folder.
PostgreSQL, by URL, lets many controllers share the work.
"""

from __future__ import annotations

from engine.database.connect import open_database, reading, transaction, undone
from engine.database.errors import (
    DatabaseBusyError,
    DatabaseFullError,
    DatabaseNotThereError,
    DatabaseUnusableError,
    NewerDatabaseError,
)
from engine.database.unmade import check_made, is_unmade

__all__ = [
    "DatabaseBusyError",
    "DatabaseFullError",
    "DatabaseNotThereError",
    "DatabaseUnusableError",
    "NewerDatabaseError",
    "check_made",
    "is_unmade",
    "open_database",
    "reading",
    "transaction",
    "undone",
]
