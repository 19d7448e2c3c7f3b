"""``run``, ``cancel``, ``runs`` and ``show``: a run's life from the command line."""

from __future__ import annotations

from typing import Any

import click

from engine.clouds import CLOUDS, LOCAL
from loadmuster.cli.numbers import FiniteNumber
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.cli.source_options import scenario_options


def _usd_micros(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    from pricing.money import price_usd_micros

    return None if value is None else price_usd_micros(value, where="--max-usd")


@click.command(cls=Command)
@scenario_options
@click.option("--account", required=True, metavar="ID", help="Who pays.")
@click.option("--department", metavar="NAME", help="Which of the account's departments runs it.")
@click.option(
    "--provider",
    type=click.Choice([LOCAL, *CLOUDS]),
    default=LOCAL,
    show_default=True,
    help="Whose machines put the load on.",
)
@click.option(
    "--or-on",
    type=click.Choice([*CLOUDS]),
    multiple=True,
    help="Another cloud to go to where the first has no machines left.",
)
@click.option("--dry-run", is_flag=True, help="Go through the whole life on a simulated cloud.")
@click.option(
    "--with-load",
    is_flag=True,
    help="Dry run: the simulated machines really load a target on this computer.",
)
@click.option(
    "--spot",
    is_flag=True,
    help=f"{', '.join(cloud.title for cloud in CLOUDS.values() if cloud.has_spot)}: "
    "cheaper machines, which may be taken away.",
)
@click.option("--detach", is_flag=True, help="Return at once; a process of its own goes on.")
@click.option("--queue", is_flag=True, help="Return at once; `loadmuster serve` runs it.")
@click.option("--yes", is_flag=True, help="Do not ask before starting.")
@click.option(
    "--max-usd",
    "max_usd_micros",
    metavar="X",
    callback=_usd_micros,
    help="Refuse to start above this price.",
)
@click.option("--request-id", metavar="R", help="The same id again does nothing twice.")
@click.option(
    "--speed",
    "time_scale",
    type=FiniteNumber(min=1.0),
    help="Dry run: test seconds a second.",
)
@pass_settings
def run(global_settings: Settings, /, *, yes: bool, **fields: Any) -> None:  # noqa: ANN401 - as click gives them
    """Run the load test SOURCE and bill it.

    On a terminal it first shows what the run takes and costs, and asks. Ctrl-C ends the run: its
    machines are released and proven gone, and the bill follows the plan's cancellation policy.
    """
    from engine.runs.request import RunRequest
    from loadmuster.cli.run_session import run_session

    run_session(global_settings, RunRequest(**fields), yes=yes)


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@pass_settings
def cancel(settings: Settings, run_id: str) -> None:
    """End RUN now; returns once its machines are proven gone.

    One that has ended is left as it is, and that is said.
    """
    from loadmuster.cli.run_display import show_cancelled
    from loadmuster.documents.run import cancelled_document

    runs = settings.engine().runs
    is_over = runs.store.load(run_id).ended
    runs.cancel(run_id)
    view = runs.show(run_id)
    settings.emit(
        cancelled_document(view),
        lambda console: show_cancelled(console, view, is_over=is_over),
    )


@click.command(cls=Command)
@click.option("--account", metavar="ID", help="Only this account's.")
@pass_settings
def runs(settings: Settings, account: str | None) -> None:
    """List the runs, newest first."""
    from loadmuster.cli.reap_display import warn_of_overdue_reaps
    from loadmuster.cli.run_display import show_runs
    from loadmuster.documents.run import runs_document

    engine = settings.engine()
    if account is not None:
        engine.accounts.get(account)
    warn_of_overdue_reaps(engine)
    found = engine.runs.list(account)
    unattended = engine.runs.unattended()
    settings.emit(
        runs_document(found, unattended), lambda console: show_runs(console, found, unattended)
    )


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option("--follow", is_flag=True, help="Wait for its end, and show its load: as `watch`.")
@pass_settings
def show(settings: Settings, run_id: str, *, follow: bool) -> None:
    """RUN's machines, timeline, bill and result."""
    if follow:
        from loadmuster.cli.watch import watch_run

        watch_run(settings, run_id)
    from loadmuster.cli.run_display import show_run
    from loadmuster.documents.run import run_document

    view = settings.engine().runs.show(run_id)
    settings.emit(run_document(view), lambda console: show_run(console, view))
