"""A controller process of its own: what ``--detach`` leaves behind to finish a run.

Executed as ``python -m engine.runs.detached RUN FOLDER [NOW]``, with the database's URL in the
environment so that a password never shows in the process list. ``NOW`` starts a test clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.clock import StartingClock, parse_instant
from kernel.errors import LoadmusterError
from providers.background import live_in_background

if TYPE_CHECKING:
    from sqlalchemy import URL

URL_VARIABLE = "LOADMUSTER_CONTROLLER_DB"


def spawn(run_id: str, url: URL, folder: Path, *, test_clock: datetime | None) -> None:
    """Start the controller as a daemon that logs into the run's folder."""
    home = folder / run_id
    home.mkdir(parents=True, exist_ok=True)
    now = [] if test_clock is None else [test_clock.isoformat()]
    with (home / "controller.log").open("ab") as log:
        subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "engine.runs.detached", run_id, str(folder), *now],
            env=os.environ | {URL_VARIABLE: url.render_as_string(hide_password=False)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )


def main(arguments: list[str]) -> int:
    """Drive one run to its end, in the background of whoever started this."""
    run_id, folder, *now = arguments

    def live(report_started: Callable[[], None]) -> int:
        report_started()
        return _drive(run_id, Path(folder), parse_instant(now[0], where="now") if now else None)

    return live_in_background(live)


def _drive(run_id: str, folder: Path, now: datetime | None) -> int:
    from engine.api import Engine

    clock = None if now is None else StartingClock(now)
    try:
        Engine(os.environ[URL_VARIABLE], clock=clock, folder=folder).wait(run_id)
    except LoadmusterError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
