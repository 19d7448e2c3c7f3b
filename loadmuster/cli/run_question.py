"""What is asked before a run: what it takes and costs, and whether to start it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from engine.api import Engine
from engine.catalogs.in_use import catalog_in_use
from engine.clouds import LOCAL
from engine.load_engines import LOAD_ENGINES
from engine.runs.launching.placements import placements_of
from engine.scenario import Scenario
from kernel.words import counted
from loadmuster.cli.run_display import show_quote

if TYPE_CHECKING:
    from rich.console import Console

    from engine.planning.estimate import Estimate


def is_agreed(  # noqa: PLR0913 - one keyword a thing that decides what it costs
    console: Console,
    engine: Engine,
    scenario: Scenario,
    *,
    account: str,
    provider: str,
    department: str | None = None,
    or_on: Sequence[str] = (),
    regions: Sequence[str] = (),
    spot: bool = False,
) -> bool:
    """Show the quote and ask, only where somebody can answer; true where nobody can."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return True
    cloud = "any" if provider == LOCAL else provider
    planned = engine.estimate(scenario, provider=cloud, or_on=or_on, regions=regions)
    payment = engine.payment(planned, account=account, department=department)
    machines = " or, if it has none left, ".join(
        _machines(planned, name) for name in (provider, *or_on)
    )
    show_quote(console, scenario.name, payment, f"{machines}, spot" if spot else machines)
    return click.confirm("Start it?", default=False, err=True)


def _machines(planned: Estimate, provider: str) -> str:
    placements = placements_of(planned, provider, catalog_in_use())
    engine = planned.scenario.load_engine
    if provider == LOCAL:
        title = LOAD_ENGINES[engine].title
        return f"this one: {counted(placements[0].count, f'{title} injector')}"
    return ", ".join(
        f"{each.count} x {each.machine_types[0]} in {each.region}" for each in placements
    )
