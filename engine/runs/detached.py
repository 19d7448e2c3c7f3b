"""Leaves a run to a controller process of its own, ``engine.background``."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from engine.runs.model.errors import ControllerNotStartedError
from kernel.disk import free_space
from kernel.python_programs import python_program

if TYPE_CHECKING:
    from sqlalchemy import URL

PROGRAM = "engine.background"
URL_VARIABLE = "LOADMUSTER_CONTROLLER_DB"
LOG = "controller.log"
"""What a controller of its own says, in the run's folder."""

START_TIMEOUT_S = 60.0
LAST_WORDS_BYTES = 8192
"""How much of a log is read to say why a controller did not start."""


def spawn(run_id: str, url: URL, folder: Path, *, test_clock: datetime | None) -> None:
    """Start the controller as a daemon that logs into the run's folder.

    It returns once the controller holds the run.

    Raises:
        ControllerNotStartedError: It did not. The run is left as it is, not ended: it may be one
            that another controller drives, and the same request can start it again.
    """
    home = folder / run_id
    now = [] if test_clock is None else [test_clock.isoformat()]
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / LOG).open("a+b") as log:
            began = log.tell()
            ended = subprocess.run(  # noqa: S603 - our own interpreter and module
                python_program(PROGRAM, run_id, str(folder), *now),
                env=os.environ | {URL_VARIABLE: url.render_as_string(hide_password=False)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=START_TIMEOUT_S,
                # Ctrl-C is for the caller, not for a controller that is starting.
                process_group=0,
                check=False,
            )
            why = None if ended.returncode == 0 else _last_line(log, began)
    except subprocess.TimeoutExpired:
        why = f"it is not at work after {START_TIMEOUT_S:.0f} s"
    except OSError as error:
        path = Path(error.filename or home)
        why = f"{path}: {error.strerror}{free_space(path, error)}"
    if why is not None:
        raise ControllerNotStartedError(
            f"the controller of run {run_id} did not start: {why}; the run stays open: "
            f"`loadmuster serve` takes it up, `loadmuster cancel {run_id}` ends it "
            f"({home / LOG} says more)",
            run=run_id,
            log=str(home / LOG),
        )


def _last_line(log: IO[bytes], began: int) -> str:
    """The last that was said since the log was ``began`` bytes long."""
    end = log.seek(0, os.SEEK_END)
    log.seek(max(began, end - LAST_WORDS_BYTES))
    lines = log.read(LAST_WORDS_BYTES).decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
