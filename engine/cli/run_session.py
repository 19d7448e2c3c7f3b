"""One ``loadmuster run``: show and ask, drive with live progress, obey Ctrl-C, show the bill."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from engine.api import Engine
from engine.catalogs.in_use import catalog_in_use
from engine.cli.run_display import show_quote, show_run
from engine.cli.run_progress import RunProgress
from engine.cli.settings import Settings
from engine.cli.signals import SignalFlag, told_to_end
from engine.readers import read_scenario
from engine.runs.alternatives import LOCAL, placements_of
from engine.runs.states import Outcome, Run
from engine.runs.view import run_document
from engine.scenario import Scenario
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError, ProviderFailedError
from pricing.money import usd_micros

if TYPE_CHECKING:
    from rich.console import Console

    from engine.planning.estimate import Estimate
    from engine.runs.lease import Lease


class RunOptions(Struct, frozen=True):
    """The options of ``loadmuster run``, as they were given."""

    account: str
    department: str | None
    provider: str
    or_on: tuple[str, ...]
    dry_run: bool
    with_load: bool
    spot: bool
    detach: bool
    queue: bool
    yes: bool
    max_usd: str | None
    request_id: str | None
    speed: float | None
    source_format: str | None
    settings_given: tuple[str, ...]
    users: int | None
    duration: str | None
    injectors: int | None
    regions: tuple[str, ...]


def run_session(settings: Settings, source: str, options: RunOptions) -> None:
    """Run the load test and leave with the contract's exit code."""
    console = settings.progress_console()
    engine = settings.engine()
    scenario = read_scenario(
        source,
        format=options.source_format,
        settings=options.settings_given,
        users=options.users,
        duration_s=(
            None
            if options.duration is None
            else parse_duration_s(options.duration, where="--duration")
        ),
        injectors=options.injectors,
    )
    if not _confirmed(console, engine, scenario, options):
        console.print("Nothing was started.")
        return
    with told_to_end() as cancel_wanted:
        lease = None if options.queue or options.detach else engine.new_lease()
        run = _accept(engine, scenario, options, lease)
        if options.detach:
            engine.detach(run.id)
        elif not options.queue:
            run = _drive(console, engine, run, lease, cancel_wanted)
    view = engine.show(run.id)
    settings.emit(run_document(view), lambda out: show_run(out, view))
    sys.exit(ProviderFailedError.exit_code if run.outcome is Outcome.FAILED else 0)


def _accept(engine: Engine, scenario: Scenario, options: RunOptions, lease: Lease | None) -> Run:
    if options.queue and options.detach:
        raise BadInputError(
            "--queue leaves the run to whoever serves, --detach to a process of its own: choose one"
        )
    if options.speed is not None and not options.dry_run:
        raise BadInputError("--speed is for --dry-run: a real test plays in real time")
    if options.with_load and not options.dry_run:
        raise BadInputError("--with-load is for --dry-run: a real test always puts its load on")
    cap = options.max_usd
    return engine.accept(
        scenario,
        account=options.account,
        department=options.department,
        provider=options.provider,
        or_on=options.or_on,
        dry_run=options.dry_run,
        with_load=options.with_load,
        spot=options.spot,
        regions=options.regions,
        max_usd_micros=None if cap is None else usd_micros(cap, where="--max-usd"),
        time_scale=options.speed,
        request_id=options.request_id,
        lease=lease,
    )


def _confirmed(console: Console, engine: Engine, scenario: Scenario, options: RunOptions) -> bool:
    """Ask only where somebody can answer."""
    if options.yes or not (sys.stdin.isatty() and console.is_terminal):
        return True
    provider = "any" if options.provider == LOCAL else options.provider
    planned = engine.estimate(
        scenario, provider=provider, or_on=options.or_on, regions=options.regions
    )
    payment = engine.payment(planned, account=options.account, department=options.department)
    machines = " or, if it has none left, ".join(
        _machines(planned, name) for name in (options.provider, *options.or_on)
    )
    show_quote(console, scenario.name, payment, f"{machines}, spot" if options.spot else machines)
    return click.confirm("Start it?", default=False, err=True)


def _machines(planned: Estimate, provider: str) -> str:
    placements = placements_of(planned, provider, catalog_in_use())
    if provider == LOCAL:
        return f"this one: {placements[0].count} Locust injectors"
    return ", ".join(
        f"{each.count} x {each.machine_types[0]} in {each.region}" for each in placements
    )


def _drive(
    console: Console, engine: Engine, run: Run, lease: Lease | None, cancel_wanted: SignalFlag
) -> Run:
    if run.ended:
        return run
    with RunProgress(console, run) as live:
        return engine.drive(run.id, watch=live.update, cancel_wanted=cancel_wanted, lease=lease)
