"""The files through which a driver and its load generator meet in a run's folder.

Every file is complete whenever it is read: documents are replaced as a whole, and progress grows
by whole lines.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel.files import write_whole

ORDER = "load.json"
"""What is to be played: written once, before the machines are launched."""

PROGRESS = "progress.jsonl"
"""How it goes: a line about twice a second, the last of which says how it ended."""

RESULT = "result.json"
"""What was measured so far: replaced as often as progress is written."""

RESERVE = "reserve"
"""Holds room on the disk for the last result, and is gone once that is written."""

RESERVE_BYTES = 1_048_576
"""More than a result with all the rows that its tables may have."""

_TAIL_BYTES = 64 * 1024
"""Many times the length of a progress line."""

Document = dict[str, Any]


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Put the document in the place of the file, as a whole."""
    write_whole(path, json.dumps(document).encode())


def read_document(path: Path) -> Document | None:
    """The document; None: there is none yet."""
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return document


def append_line(path: Path, document: Mapping[str, Any]) -> None:
    """Add one line in one write, or nothing of it.

    Raises:
        OSError: There is no room for all of it.
    """
    line = (json.dumps(document) + "\n").encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(file).st_size
        if os.write(file, line) < len(line):
            os.ftruncate(file, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(file)


def keep_room(place: Path) -> None:
    """Take room for the last that will be written, while there is some."""
    with suppress(OSError):
        (place / RESERVE).write_bytes(b" " * RESERVE_BYTES)


def give_room(place: Path) -> None:
    """Give back what ``keep_room`` took: what is written now is the last, or more than enough."""
    (place / RESERVE).unlink(missing_ok=True)


def last_line(path: Path) -> Document | None:
    """The newest whole line; None: there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    if not lines:
        return None
    document: Document = json.loads(lines[-1])
    return document
