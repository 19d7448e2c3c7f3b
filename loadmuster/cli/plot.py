"""``loadmuster plot``: cost against users, the plans' break-even, and what a sweep wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.clouds import CLOUDS
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.overwriting import check_reads_stay
from loadmuster.cli.settings import Command, CommandGroup, Settings, pass_settings
from loadmuster.cli.source_options import read_given, source_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadmuster.cli.curves import Curves

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw into FILE.svg or FILE.png; default: in the terminal.",
)


@click.group(cls=CommandGroup)
def plot() -> None:
    """Curves of what tests cost, in the terminal or as pictures."""


@plot.command("cost", cls=Command)
@source_options
@click.option(
    "--tariff",
    "tariffs",
    multiple=True,
    metavar="NAME",
    help=f"A tariff, a plan, {' or '.join(each.own_tariff for each in CLOUDS.values())}; "
    "default: all with a price.",
)
@click.option("--users-to", type=WholeNumber(min=2), metavar="N", help="Default: twice the test's.")
@out_option
@pass_settings
def plot_cost(
    global_settings: Settings,
    /,
    source: str,
    provider: str,
    tariffs: tuple[str, ...],
    users_to: int | None,
    out: Path | None,
    **overrides: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """What the load test SOURCE would cost with fewer and with more users."""
    from engine.catalogs.in_use import catalog_in_use
    from engine.planning.cost_curves import cost_curves
    from loadmuster.cli.cost_chart import cost_chart
    from loadmuster.documents.curves import cost_curves_document
    from pricing.plans.on_sale import estimated_plans, load_plans

    check_reads_stay(global_settings, out, source)
    scenario = read_given(source, overrides)
    curves = cost_curves(
        scenario,
        tariffs,
        users_most=users_to,
        provider=provider,
        catalog=catalog_in_use(),
        at=global_settings.clock().now().date(),
        plans=estimated_plans(global_settings.plans_file()),
        rates=global_settings.rates(),
        named_plans=load_plans(global_settings.plans_file()),
    )
    _show(global_settings, cost_chart(scenario, curves), cost_curves_document(curves), out)


@plot.command("load", cls=Command)
@source_options
@out_option
@pass_settings
def plot_load(
    global_settings: Settings,
    /,
    source: str,
    provider: str,
    out: Path | None,
    **overrides: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Users over time, and the room for them on injectors: all at once, and in shifts."""
    from engine.catalogs.in_use import catalog_in_use
    from engine.planning.estimate import estimate
    from engine.planning.load_curves import load_curves
    from engine.planning.staged import stage
    from loadmuster.cli.staged_view import load_chart
    from loadmuster.documents.curves import load_curves_document

    check_reads_stay(global_settings, out, source)
    today = global_settings.clock().now().date()
    catalog = catalog_in_use()
    planned = estimate(read_given(source, overrides), catalog=catalog, provider=provider, at=today)
    curves = load_curves(planned, stage(planned, catalog=catalog, at=today))
    _show(global_settings, load_chart(curves), load_curves_document(curves), out)


@plot.command("plans", cls=Command)
@click.argument("account_id", metavar="[ID]", required=False)
@click.option("--li-minutes", type=WholeNumber(), metavar="N", help="LI-minutes of one run.")
@click.option("--runs", type=WholeNumber(), metavar="N", help="Runs in a month.")
@click.option(
    "--users", type=WholeNumber(), metavar="N", help="Users of one run; they count on demand."
)
@out_option
@pass_settings
def plot_plans(
    settings: Settings,
    account_id: str | None,
    li_minutes: int | None,
    runs: int | None,
    users: int | None,
    out: Path | None,
) -> None:
    """What a month costs on each plan, by the number of runs, and from where one beats on demand.

    The options are those of `loadmuster advise`.
    """
    from loadmuster.cli.advise import told_by_its_command
    from loadmuster.cli.advise_view import break_even_chart
    from loadmuster.documents.advice import advice_document

    check_reads_stay(settings, out)
    with told_by_its_command():
        advice = settings.engine().reports.advise(
            account_id, li_minutes=li_minutes, runs=runs, users=users
        )
    _show(settings, break_even_chart(advice), advice_document(advice), out)


@plot.command("run", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--by",
    type=click.Choice(["pace", "times"]),
    default="pace",
    show_default=True,
    help="Users and requests a second, or response times.",
)
@out_option
@pass_settings
def plot_run(settings: Settings, run_id: str, by: str, out: Path | None) -> None:
    """RUN's load over time: users, requests a second, planned, made and failed."""
    from loadmuster.cli.run_chart import run_chart
    from loadmuster.documents.curves import run_series_document

    check_reads_stay(settings, out)
    run = settings.engine().runs.show(run_id).run
    _show(settings, run_chart(run, by), run_series_document(run), out)


@plot.command("sweep", cls=Command)
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--by",
    "measure",
    type=click.Choice(["usd", "machine_usd"]),
    default="usd",
    show_default=True,
    help="What is billed, or what machines cost.",
)
@click.option("--where", multiple=True, metavar="plan=starter", help="Only such rows.")
@out_option
@pass_settings
def plot_sweep(
    settings: Settings, source: Path, measure: str, where: tuple[str, ...], out: Path | None
) -> None:
    """What a sweep wrote to FILE: cost against users, and from where another choice is cheaper.

    Rows that agree in all but their users make a line: a plan, a region, a machine type, a length.
    """
    from loadmuster.cli.sweep import need_pyarrow

    need_pyarrow()
    from engine.sweeping.cost_lines import cost_lines
    from engine.sweeping.selection import parse_condition
    from engine.sweeping.table_files import reading
    from loadmuster.cli.standard_input import table_file
    from loadmuster.cli.sweep_chart import sweep_chart
    from loadmuster.documents.curves import cost_lines_document

    check_reads_stay(settings, out, str(source))
    conditions = [parse_condition(each) for each in where]
    with table_file(source) as file, reading(file) as rows:
        found = cost_lines(rows, f"{measure}_micros", conditions)
    _show(settings, sweep_chart(found, measure), cost_lines_document(found, measure), out)


def _show(settings: Settings, chart: Curves, document: Mapping[str, Any], out: Path | None) -> None:
    """Into the file if there is one, else the terminal; the figures with ``--json``."""
    from loadmuster.cli.curves import show_curves
    from loadmuster.documents.curves import drawn_document

    if out is not None:
        from loadmuster.cli.curves_file import write_picture

        write_picture(chart, out)
    settings.emit(
        drawn_document(document, out),
        lambda console: (
            show_curves(console, chart) if out is None else console.print(f"drawn into {out}")
        ),
    )
