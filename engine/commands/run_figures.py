"""What a run that has ended leaves for later estimates of the same test."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.runs.model.states import Run

if TYPE_CHECKING:
    from engine.calibrating.run_evidence import LeftOut, RunFigures

REHEARSED = "a rehearsal is no evidence of what users take"


def evidence_of_run(run: Run) -> RunFigures | LeftOut | None:
    """What a run says of one user of its test, or why it says nothing; None: it measured nothing.

    Rehearsed machines share this computer, so what they measure never counts.
    """
    if not run.ended or run.result is None or run.ended_at is None:
        return None
    from engine.calibrating.run_evidence import LeftOut, run_evidence

    order = run.order
    if order.rehearsal:
        return LeftOut(run.id, run.ended_at, REHEARSED)
    types = [machine.machine_type for machine in run.machines]
    return run_evidence(run.id, run.ended_at, order.provider, order.scenario, run.result, types)


def left_out_because(run: Run) -> str | None:
    """Why what a run measured does not count in later estimates; None: it does, or did not."""
    found = evidence_of_run(run)
    return getattr(found, "reason", None)


def keep_figures(run: Run) -> None:
    """What a real run measured of its users, for later estimates; or why it does not count.

    A controller that dies before this loses them, and nothing else.
    """
    found = None if run.order.rehearsal else evidence_of_run(run)
    if found is None:
        return
    from engine.calibrating.folder import keep_left_out, keep_run
    from engine.calibrating.place import CalibrationFilesError
    from engine.calibrating.run_evidence import RunFigures

    # The run has ended well; a folder that cannot be written is told by who reads it.
    with suppress(CalibrationFilesError):
        if isinstance(found, RunFigures):
            keep_run(run.order.scenario, found)
        elif found.would_count:
            keep_left_out(run.order.scenario, found)
