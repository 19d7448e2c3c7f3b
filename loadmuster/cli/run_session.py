"""One ``loadmuster run``: show and ask, drive with live progress, obey Ctrl-C, show the bill."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.api import Engine
from engine.readers import read_scenario
from engine.runs.states import Outcome, Run
from engine.scenario import Scenario
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError, ProviderFailedError
from loadmuster.cli.run_display import show_run
from loadmuster.cli.run_progress import driven
from loadmuster.cli.run_question import is_agreed
from loadmuster.cli.settings import Settings
from loadmuster.cli.signals import told_to_end
from loadmuster.documents.run import run_document
from pricing.money import usd_micros

if TYPE_CHECKING:
    from engine.runs.leases.lease import Lease


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
    agreed = options.yes or is_agreed(
        console,
        engine,
        scenario,
        account=options.account,
        provider=options.provider,
        department=options.department,
        or_on=options.or_on,
        regions=options.regions,
        spot=options.spot,
    )
    if not agreed:
        console.print("Nothing was started.")
        return
    with told_to_end() as cancel_wanted:
        lease = None if options.queue or options.detach else engine.new_lease()
        run = _accept(engine, scenario, options, lease)
        if options.detach:
            # What was accepted is shown; how far its controller is by now is a matter of luck.
            view = engine.show(run.id)
            engine.detach(run.id)
        elif options.queue:
            view = engine.show(run.id)
        else:
            run = driven(console, engine, run, lease, cancel_wanted)
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
