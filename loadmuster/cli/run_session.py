"""One ``loadmuster run``: show and ask, drive with live progress, obey Ctrl-C, show the bill."""

from __future__ import annotations

import sys

from engine.runs.model.states import Outcome
from engine.runs.request import RunRequest
from kernel.errors import ProviderFailedError
from loadmuster.cli.run_display import show_run
from loadmuster.cli.run_progress import driven
from loadmuster.cli.run_question import is_agreed
from loadmuster.cli.settings import Settings
from loadmuster.cli.signals import told_to_end
from loadmuster.documents.run import run_document


def run_session(settings: Settings, request: RunRequest, *, yes: bool) -> None:
    """Run the load test and leave with the contract's exit code; what was shown is started."""
    console = settings.progress_console()
    engine = settings.engine()
    prepared = engine.runs.prepare(request)
    if not (yes or is_agreed(console, engine, prepared)):
        console.print("Nothing was started.")
        return
    with told_to_end() as cancel_wanted:
        lease = None if request.queue or request.detach else engine.runs.new_lease()
        run = engine.runs.accept(prepared, lease=lease)
        if request.detach:
            # What was accepted is shown; how far its controller is by now is a matter of luck.
            view = engine.runs.show(run.id)
            engine.runs.detach(run.id)
        elif request.queue:
            view = engine.runs.show(run.id)
        else:
            run = driven(console, engine, run, lease, cancel_wanted)
            view = engine.runs.show(run.id)
    settings.emit(run_document(view), lambda out: show_run(out, view))
    sys.exit(ProviderFailedError.exit_code if run.outcome is Outcome.FAILED else 0)
