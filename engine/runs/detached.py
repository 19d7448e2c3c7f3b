"""Leaves a run to a controller process of its own, ``engine.background``."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL

PROGRAM = "engine.background"
URL_VARIABLE = "LOADMUSTER_CONTROLLER_DB"
REHEARSAL_VARIABLE = "LOADMUSTER_REHEARSAL"
"""Address of a rehearsed AWS that runs share."""


def spawn(run_id: str, url: URL, folder: Path, *, test_clock: datetime | None) -> None:
    """Start the controller as a daemon that logs into the run's folder."""
    home = folder / run_id
    home.mkdir(parents=True, exist_ok=True)
    now = [] if test_clock is None else [test_clock.isoformat()]
    with (home / "controller.log").open("ab") as log:
        subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", PROGRAM, run_id, str(folder), *now],
            env=os.environ | {URL_VARIABLE: url.render_as_string(hide_password=False)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
