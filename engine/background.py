"""A controller process of its own: what ``--detach`` leaves behind to finish a run.

Executed as ``python -P -m engine.background RUN FOLDER [NOW]``, with the database's URL in the
environment so that a password never shows in the process list. ``NOW`` starts a test clock.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.runs.clouds.shared_rehearsal import REHEARSAL_VARIABLE
from engine.runs.detached import URL_VARIABLE
from kernel.clock import StartingClock, parse_instant
from kernel.errors import LoadmusterError
from providers.background import live_in_background


def main(arguments: list[str]) -> int:
    """Drive one run to its end, in the background of whoever started this."""
    run_id, folder, *now = arguments

    def live(report_started: Callable[[], None]) -> int:
        test_clock = parse_instant(now[0], where="now") if now else None
        return _drive(run_id, Path(folder), test_clock, report_started)

    return live_in_background(live)


def _drive(
    run_id: str, folder: Path, now: datetime | None, report_started: Callable[[], None]
) -> int:
    """Drive the run; what keeps it from being reached is told before the start is."""
    from engine.api import Engine

    clock = None if now is None else StartingClock(now)
    try:
        with Engine(
            os.environ[URL_VARIABLE],
            clock=clock,
            folder=folder,
            rehearsal_url=os.environ.get(REHEARSAL_VARIABLE) or None,
        ) as engine:
            engine.runs.store.load(run_id)
            report_started()
            engine.runs.wait(run_id)
    except LoadmusterError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
