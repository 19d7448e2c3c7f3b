"""A controller process of its own: what ``--detach`` leaves behind to finish a run.

Executed as ``python -m engine.runs.detached RUN FOLDER [NOW]``, with the database's URL in the
environment so that a password never shows in the process list. ``NOW`` starts a test clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.clock import StartingClock, parse_instant
from kernel.errors import LoadmusterError

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
            start_new_session=True,
            check=True,
        )


def main(arguments: list[str]) -> int:
    """Drive one run to its end."""
    if os.fork() > 0:
        # The caller waits for this process only: the child belongs to init and leaves no zombie.
        os._exit(0)
    from engine.api import Engine

    run_id, folder, *now = arguments
    clock = StartingClock(parse_instant(now[0], where="now")) if now else None
    engine = Engine(os.environ[URL_VARIABLE], clock=clock, folder=Path(folder))
    try:
        engine.wait(run_id)
    except LoadmusterError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
