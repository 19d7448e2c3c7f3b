"""``loadmuster calibrate --provider``: show and ask, drive the run with live progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli.run_display import show_quote
from engine.cli.run_progress import RunProgress
from engine.cli.signals import told_to_end
from engine.runs.alternatives import placements_of

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
    from engine.calibrating.staircase import Climb
    from engine.runs.states import Run


def climbed(console: Console, engine: Engine, climb: Climb, *, account: str, dry_run: bool) -> Run:
    """The run that measures, driven to its end; Ctrl-C ends it."""
    users = ", ".join(f"{each:,}" for each in climb.stairs.users)
    console.print(
        f"one injector: {users} users, each for {climb.stairs.step_s:.0f} s", soft_wrap=True
    )
    with told_to_end() as cancel_wanted:
        lease = engine.new_lease()
        run = engine.start_climb(climb, account=account, dry_run=dry_run, lease=lease)
        with RunProgress(console, run) as live:
            return engine.drive(run.id, watch=live.update, cancel_wanted=cancel_wanted, lease=lease)


def is_confirmed(console: Console, engine: Engine, climb: Climb, account: str) -> bool:
    """Ask only where somebody can answer."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return True
    planned = engine.estimate(climb.scenario, provider=climb.provider)
    (place,) = placements_of(planned, climb.provider, engine.catalog())
    payment = engine.payment(planned, account=account)
    machine = f"1 x {place.machine_types[0]} in {place.region}"
    show_quote(console, climb.scenario.name, payment, machine)
    return click.confirm("Start it?", default=False, err=True)
