"""A controller process of its own: what ``--detach`` leaves behind to finish a run.

Executed as ``python -P -m engine.background RUN FOLDER [NOW]``, with the database's URL in the
environment so that a password never shows in the process list. ``NOW`` starts a test clock.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.runs.clouds.shared_rehearsal import REHEARSAL_VARIABLE
from engine.runs.detached import URL_VARIABLE
from engine.runs.model.errors import LeaseLostError
from kernel.clock import StartingClock, SystemClock, parse_instant
from kernel.errors import LoadmusterError
from providers.background import live_in_background

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.runs.leases.lease import Lease


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
    """Drive the run; what keeps it from being reached is told before the start is.

    The start is told once the run is held: whoever looks at it from then on sees it driven.
    """
    from engine.api import Engine

    clock = None if now is None else StartingClock(now)
    try:
        with Engine(
            os.environ[URL_VARIABLE],
            clock=clock,
            folder=folder,
            rehearsal_url=os.environ.get(REHEARSAL_VARIABLE) or None,
        ) as engine:
            lease = _held(engine, run_id)
            report_started()
            _drive_or_wait(engine, run_id, lease)
    except LoadmusterError as error:
        sys.stderr.write(f"{error.line}\n")
        return error.exit_code
    return 0


def _held(engine: Engine, run_id: str) -> Lease | None:
    """The lease of this process on the run; None: it has ended, or another controller drives it."""
    if engine.runs.store.load(run_id).ended:
        return None
    lease = engine.runs.new_lease()
    is_held = engine.runs.store.acquire(run_id, lease, SystemClock().now())
    return lease if is_held else None


def _drive_or_wait(engine: Engine, run_id: str, lease: Lease | None) -> None:
    if lease is not None:
        # Who lost it to another controller waits for the run as one that never held it.
        with suppress(LeaseLostError):
            engine.runs.drive(run_id, lease=lease)
            return
    engine.runs.wait(run_id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
