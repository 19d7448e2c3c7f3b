"""A drive that its own process breaks off: by Ctrl-C, or by a fault in what watches the run.

Nobody would drive the run any more, and its machines would cost money until somebody looks. So it
is ended on the way out, and the exception says what became of it.
"""

from __future__ import annotations

from types import TracebackType

from engine.runs.controller import Controller
from engine.runs.model.states import Run
from kernel.errors import LoadmusterError


def drive_or_end(controller: Controller, run_id: str) -> Run:
    """Drive the run to its end; if that is broken off, cancel it and release its machines first.

    What is foreseen (``LoadmusterError``) leaves the run as ``Controller.drive`` says. Releasing is
    bounded by the run's own limits; a second Ctrl-C leaves at once. Either way a note on the
    exception says whether the run is over, or which call ends it.
    """
    try:
        return controller.drive(run_id)
    except LoadmusterError:
        raise
    except BaseException as error:
        error.add_note(_ended(controller, run_id))
        _leave_out_what_has_no_line(error.__traceback__)
        raise


def _ended(controller: Controller, run_id: str) -> str:
    """End the run, with nothing of the caller's in between; what became of it."""
    try:
        controller.store.request_cancel(run_id, controller.clock.now(), controller.author)
        run = controller.unwatched().drive(run_id)
    except BaseException as error:  # noqa: BLE001 - the first exception is the one to be raised
        why = f" ({error})" if str(error) else ""
        return (
            f"run {run_id} may still have machines{why}: engine.runs.cancel({run_id!r}) or"
            f" `loadmuster cancel {run_id}` releases them"
        )
    assert run.outcome is not None
    return f"run {run_id} was ended on the way out, {run.outcome}: its machines are gone"


def _leave_out_what_has_no_line(traceback: TracebackType | None) -> None:
    """Take the entries without a line out of a traceback.

    Ctrl-C is taken where a loop jumps back, and CPython gives such a jump no line where the loop
    ends with a condition. pytest counts on a line, and would fail over it instead of saying what
    was interrupted.
    """
    while traceback is not None:
        following = traceback.tb_next
        while following is not None and not _has_line(following):
            following = following.tb_next
        traceback.tb_next = following
        traceback = following


def _has_line(entry: TracebackType) -> bool:
    """Whether the place is known; typeshed says that it always is."""
    return entry.tb_lineno is not None
