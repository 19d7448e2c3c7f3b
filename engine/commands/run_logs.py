"""The logs of a run's injectors: why there may be none."""

from __future__ import annotations

from pathlib import Path

from engine.runs.model.states import Run
from kernel.errors import BadInputError


class NoLogsError(BadInputError):
    """A run has no logs, or none on this computer; facts: ``run``."""

    code = "run_has_no_logs"


def no_logs(run: Run, folder: Path, injector: int | None) -> NoLogsError:
    """What to say of a run of which no log was found.

    Args:
        run: The run.
        folder: Under which each run has a folder of its own.
        injector: Whose log was asked for; None: anybody's.
    """
    if run.order.rehearsal and not run.order.puts_load:
        why = "a rehearsal without load has no injectors that write any"
    elif not run.ended:
        why = "there is none yet; injectors on clouds leave theirs when they end"
    elif injector is not None:
        why = f"injector {injector} left none in {folder / run.id}; without --injector you see all"
    else:
        why = f"there is none in {folder / run.id}; they are where its controller ran"
    return NoLogsError(f"logs of run {run.id}: {why}", run=run.id)
