"""Files that are whole whenever they are read."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put the content in the place of the file, which is never there in part.

    It is written beside, under a hidden name of this process's own, and moved. Where that fails
    nothing is left of it, so that a full disk does not fill with halves.

    Raises:
        OSError: The folder is missing, full, or must not be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
