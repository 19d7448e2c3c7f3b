"""The folder in which this user's data is kept: books, catalogues, measurements."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

DATABASE_VARIABLE = "LOADMUSTER_DB"
"""Names the database, by its URL, where no caller does."""


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the operating system wants it.

    Every estimate asks for it, and platformdirs takes as long to be imported as an estimate to be
    made; on Linux its answer is two lines.
    """
    if "linux" in sys.platform:
        base = environment.get("XDG_DATA_HOME", "").strip()
        return (Path(base) if base.startswith("/") else Path.home() / ".local/share") / "loadmuster"
    from platformdirs import user_data_path

    return user_data_path("loadmuster", appauthor=False)
