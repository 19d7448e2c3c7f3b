"""``watch`` and ``show --follow``: a run of any controller, looked at until it has ended."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import click

from kernel.durations import MAX_DURATION_S
from loadmuster.cli.output import tell, unwritten_is_told
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.api import Engine
    from engine.runs.model.states import Run
    from loadmuster.cli.run_progress import RunProgress

ATTENDANCE_LOOKS = 10
"""Looks at a run for each at whether somebody drives it."""


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@pass_settings
def watch(settings: Settings, run_id: str) -> None:
    """Follow RUN until it has ended: its state, users, requests, failures, and what it costs.

    It may be detached, queued, or another computer's. Watching only reads: Ctrl-C, or a closed
    terminal or pipe, ends the watching and not the run. The exit code is the run's.
    """
    watch_run(settings, run_id)


def watch_run(settings: Settings, run_id: str) -> None:
    """Follow the run, show it as it is then, and leave with the contract's exit code.

    Raises:
        SystemExit: Always: with the run's code, or if the watching was broken off with 130, of
            SIGTERM with 143, of a closed terminal with 129.
    """
    from loadmuster.cli.run_display import show_run
    from loadmuster.cli.run_progress import RunProgress
    from loadmuster.cli.run_session import exit_code_of
    from loadmuster.cli.signals import told_to_end
    from loadmuster.documents.run import run_document

    console = settings.progress_console()
    engine = settings.engine()
    run = engine.runs.store.load(run_id)
    with told_to_end() as told, RunProgress(console, run) as live:
        run = _last_seen(engine, run, live, told)
        is_unseen = live.is_unseen
    if not run.ended:
        _say_it_goes_on(run_id)
    if not is_unseen:
        view = engine.runs.show(run_id)
        with unwritten_is_told("what it would have shown is on record"):
            settings.emit(run_document(view), lambda out: show_run(out, view))
    sys.exit(exit_code_of(run, by_ctrl_c=False) if run.ended else told.exit_code)


def _last_seen(engine: Engine, run: Run, live: RunProgress, told: Callable[[], bool]) -> Run:
    """The run once it has ended, or as it stands when nobody watches it any longer."""
    from loadmuster.cli.run_display import unattended_note

    noted: datetime | None = None
    for look, seen in enumerate(engine.runs.watch(run.id, timeout_s=MAX_DURATION_S)):
        run = seen
        live.follow(run)
        if told() or live.is_unseen:
            break
        if look % ATTENDANCE_LOOKS == 0:
            since = engine.runs.unattended(run.id).get(run.id)
            if since is not None and since != noted:
                live.say(unattended_note(run.id, since))
            noted = since
    return run


def _say_it_goes_on(run_id: str) -> None:
    """That only the watching ended; standard error may be gone with the terminal."""
    with suppress(OSError):
        tell(
            f"{run_id} goes on, only the watching ended; `loadmuster cancel {run_id}` ends the run"
        )
