"""What a run that has ended leaves for later estimates of the same test."""

from __future__ import annotations

from contextlib import suppress

from engine.runs.model.states import Run


def keep_figures(run: Run) -> None:
    """What a real run measured of its users, for later estimates of the same test.

    A controller that dies before this loses them, and nothing else.
    """
    if not run.ended or run.order.rehearsal or run.result is None or run.ended_at is None:
        return
    from engine.calibrating.evidence import run_figures
    from engine.calibrating.folder import CalibrationFilesError, keep_run

    order = run.order
    figures = run_figures(run.id, run.ended_at, order.provider, order.scenario, run.result)
    if figures is not None:
        # The run has ended well; a folder that cannot be written is told by who reads it.
        with suppress(CalibrationFilesError):
            keep_run(order.scenario, figures)
