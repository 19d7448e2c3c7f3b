"""Writers of one SQLite file take turns: nobody waits for ever while others go on writing.

SQLite lets whoever asks first after a commit write next. Those who wait ask less and less often, up
to ten times a second, so that a process that writes again and again comes between them every time.
Here only the head of a queue asks SQLite; the others wait for its place, and ask for it the more
often the longer they have waited. Who has just written stands behind the head like everybody else.

The queue is a lock on a file beside the database, which the system lets go of when a process ends.
Where there can be no such file, SQLite's own order holds.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.database.errors import DatabaseBusyError

SUFFIX = "-queue"
"""Of the file beside the database, after SQLite's own ``-wal`` and ``-shm``."""

PAUSES_S = ((0.1, 0.004), (0.5, 0.002), (float("inf"), 0.001))
"""Until how long somebody has waited, and how long the next pause is then."""


@contextmanager
def head_of_queue(database: Path, *, wait_s: float) -> Iterator[None]:
    """Be the one who asks SQLite for the write lock, until it is had or refused.

    Args:
        database: The file.
        wait_s: How long to wait for the place at most.

    Raises:
        DatabaseBusyError: If it is not to be had in time.
    """
    queue = _open(Path(f"{database}{SUFFIX}"))
    if queue is None:
        yield
        return
    try:
        _take_place(queue, database, wait_s)
        yield
    finally:
        # The lock goes with the file.
        os.close(queue)


def _open(file: Path) -> int | None:
    """The file of the queue; None: there can be none, as in a folder that nothing is added to."""
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None


def _take_place(queue: int, database: Path, wait_s: float) -> None:
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited_s = time.monotonic() - began
        except OSError:
            # A file system without locks.
            return
        else:
            return
        if waited_s > wait_s:
            raise DatabaseBusyError(
                f"database {database} is busy: other processes have been writing for {wait_s:.0f}"
                " seconds; try again",
                database=str(database),
            )
        time.sleep(next(pause for until, pause in PAUSES_S if waited_s < until))
