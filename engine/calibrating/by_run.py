"""By run: the calibration that a run up a staircase gives."""

from __future__ import annotations

from engine.calibrating.calibration import (
    Calibration,
    CalibrationFailedError,
    CalibrationNotValidError,
    check_measured,
)
from engine.calibrating.session import load_engine_of
from engine.calibrating.staircase import Staircase, note_on, steps_of
from engine.calibrating.steps import problem
from engine.runs.model.states import Outcome, Run


def calibration_of(run: Run, stairs: Staircase) -> Calibration:
    """What the run's only injector measured, step by step.

    Args:
        run: That has ended.
        stairs: What it played.

    Raises:
        CalibrationNotValidError: The target did not answer its users.
        CalibrationFailedError: It was not played to its end, or nothing could be measured.
    """
    if run.outcome is not Outcome.COMPLETED or run.result is None or run.ended_at is None:
        raise CalibrationFailedError(
            f"run {run.id} ended {run.outcome}, so nothing was measured"
            + (f": {run.reason}" if run.reason else "")
        )
    if run.result.invalid_reasons and run.result.requests == run.result.failures:
        raise CalibrationNotValidError(
            f"nothing could be measured: {run.result.invalid_reasons[0]}", run=run.id
        )
    (injector,) = run.result.injectors
    cores = injector.machine_cores or 1
    steps = steps_of(stairs, injector.looks, cores)
    note = (problem(steps) if steps else None) or note_on(stairs, steps)
    check_measured(steps, note)
    machine = run.machines[0].machine_type if run.machines else "a machine"
    is_real = bool(run.machines) and not run.order.rehearsal
    return Calibration(
        test=run.order.scenario.name,
        at=run.ended_at,
        engine=load_engine_of(run.order.scenario),
        machine=f"{machine} on {run.order.provider}{', rehearsed' if run.order.rehearsal else ''}, "
        f"{cores} core{'' if cores == 1 else 's'}",
        steps=steps,
        note=note,
        run_id=run.id,
        provider=run.order.provider if is_real else None,
        machine_type=machine if is_real else None,
    )
