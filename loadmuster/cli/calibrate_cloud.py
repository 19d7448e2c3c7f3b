"""``loadmuster calibrate --provider``: the run that measures, with live progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.words import counted
from loadmuster.cli.run_progress import driven
from loadmuster.cli.signals import told_to_end

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
    from engine.calibrating.staircase import Climb
    from engine.runs.model.states import Run
    from engine.runs.prepared import PreparedRun


def climbed(console: Console, engine: Engine, climb: Climb, prepared: PreparedRun) -> Run:
    """The run, driven to its end; Ctrl-C ends it."""
    *fewer, most = climb.stairs.users
    users = ", ".join([*(f"{each:,}" for each in fewer), counted(most, "user")])
    console.print(f"one injector: {users}, each for {climb.stairs.step_s:.0f} s")
    with told_to_end() as cancel_wanted:
        lease = engine.runs.new_lease()
        run = engine.runs.accept(prepared, lease=lease)
        return driven(console, engine, run, lease, cancel_wanted)
