"""What is asked before a run: what it takes and costs, and whether to start it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.api import Engine
from engine.clouds import LOCAL
from engine.load_engines import LOAD_ENGINES
from engine.runs.launching.placements import first_on
from engine.runs.prepared import PreparedRun
from kernel.words import counted
from loadmuster.cli.run_display import show_quote

if TYPE_CHECKING:
    from rich.console import Console


def is_agreed(console: Console, engine: Engine, prepared: PreparedRun) -> bool:
    """Show the quote and ask, only where somebody can answer; true where nobody can."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return True
    request = prepared.request
    payment = engine.runs.payment(
        prepared.estimate, account=request.account, department=request.department
    )
    machines = " or, if it has none left, ".join(
        _machines(prepared, name) for name in request.clouds
    )
    spot = f"{machines}, spot" if request.spot else machines
    show_quote(
        console,
        prepared.scenario.name,
        payment,
        spot,
        rehearsal=request.dry_run,
        payments_rehearsed=engine.accounts.payments_rehearsed,
    )
    return click.confirm("Start it?", default=False, err=True)


def _machines(prepared: PreparedRun, provider: str) -> str:
    placements = first_on(provider, prepared.placements)
    if provider == LOCAL:
        title = LOAD_ENGINES[prepared.scenario.load_engine].title
        return f"this one: {counted(placements[0].count, f'{title} injector')}"
    return ", ".join(
        f"{each.count} x {each.machine_types[0]} in {each.region}" for each in placements
    )
