"""A disk that is full: how it is told, and how much of it is free."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a write fails with on a full disk, beyond a quota of it, or beyond a limit on files."""

MIB = 1_048_576


def is_no_room(error: OSError) -> bool:
    """Whether it is the disk, and neither its permissions nor its cables."""
    return error.errno in NO_ROOM


def free_space(path: Path, error: OSError) -> str:
    """``(0.3 MiB free on the disk of /work)`` with a space before, where there was no room.

    Args:
        path: What was written; it need not exist.
        error: Of the write; where it is another fault, nothing is said.

    Nothing is said of a device or a pipe either, which is on no disk.
    """
    is_on_disk = not path.exists() or path.is_file() or path.is_dir()
    return f" ({free_on(path)})" if is_no_room(error) and is_on_disk else ""


def free_on(path: Path) -> str:
    """``0.3 MiB free on the disk of /work``."""
    place = next((each for each in (path, *path.parents) if each.is_dir()), Path("/"))
    try:
        free_bytes = shutil.disk_usage(place).free
    except OSError:
        return f"what is free on the disk of {place} is not told"
    return f"{free_bytes / MIB:,.1f} MiB free on the disk of {place}"
