"""One ``loadmuster run``: show and ask, drive with live progress, obey Ctrl-C, show the bill."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.runs.model.states import Outcome, Run
from engine.runs.request import RunRequest
from kernel.errors import ProviderFailedError
from loadmuster.cli.run_display import detached_note, queued_note, show_run
from loadmuster.cli.run_progress import driven
from loadmuster.cli.run_question import is_agreed
from loadmuster.cli.settings import Settings
from loadmuster.cli.signals import told_to_end
from loadmuster.documents.run import run_document

if TYPE_CHECKING:
    from rich.console import Console

    from engine.runs.view import RunView

NOT_VALID = 7
CANCELLED_ELSEWHERE = 8
INTERRUPTED = 130
"""The caller's own word ended it: Ctrl-C, or a no to what it would cost."""


def run_session(settings: Settings, request: RunRequest, *, yes: bool) -> None:
    """Run the load test and leave with the contract's exit code; what was shown is started."""
    console = settings.progress_console()
    engine = settings.engine()
    prepared = engine.runs.prepare(request)
    if not (yes or is_agreed(console, engine, prepared)):
        console.print("Nothing was started.")
        sys.exit(INTERRUPTED)
    with told_to_end() as told:
        lease = None if request.queue or request.detach else engine.runs.new_lease()
        run = engine.runs.accept(prepared, lease=lease)
        # Asked for again: who queued it first wants it to wait for whoever serves.
        is_detached = request.detach and not run.is_queued
        if is_detached:
            # What was accepted is shown; how far its controller is by now is a matter of luck.
            view = engine.runs.show(run.id)
            engine.runs.detach(run.id)
            view = replace(view, unattended_since=engine.runs.unattended(run.id).get(run.id))
        elif request.queue or run.is_queued:
            view = engine.runs.show(run.id)
        else:
            run = driven(console, engine, run, lease, told)
            view = engine.runs.show(run.id)
    settings.emit(run_document(view), lambda out: _show(out, view, is_detached=is_detached))
    code = exit_code_of(run, by_ctrl_c=told.by_ctrl_c)
    sys.exit(told.exit_code if told() and not run.ended else code)


def _show(console: Console, view: RunView, *, is_detached: bool) -> None:
    """The run, and who goes on with it."""
    show_run(console, view)
    if view.run.is_queued:
        console.print(queued_note(view.run.id))
    if is_detached and not view.run.ended and view.unattended_since is None:
        console.print(detached_note(view.run.id))


def exit_code_of(run: Run, *, by_ctrl_c: bool) -> int:
    """What a script is told of a run: only one that was completed, and is valid, is a success.

    Args:
        run: As it stands; one that has not ended was queued, or left to another process.
        by_ctrl_c: Whether the user of this very command asked for its end.
    """
    match run.outcome:
        case Outcome.FAILED:
            return NOT_VALID if run.failed_by_load else ProviderFailedError.exit_code
        case Outcome.CANCELLED:
            return INTERRUPTED if by_ctrl_c else CANCELLED_ELSEWHERE
        case Outcome.STOPPED:
            return NOT_VALID
        case Outcome.COMPLETED if run.result is not None and not run.result.valid:
            return NOT_VALID
        case _:
            return 0
