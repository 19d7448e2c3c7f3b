"""``loadmuster estimate``: what a load test takes and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.settings import Command, Settings, pass_settings
from pricing.catalog import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from engine.planning.estimate import Estimate
    from engine.planning.next_best import Explanation
    from pricing.plans import Plan


@click.command(cls=Command)
@click.argument("source")
@click.option("--format", metavar="NAME", help="Format of SOURCE; default: told by the content.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME}.")
@click.option("--users", type=click.IntRange(min=1), help="Scale the load to this peak.")
@click.option("--duration", metavar="10m", help="Stretch the load to this length.")
@click.option("--injectors", type=click.IntRange(min=1), help="A fixed number of injectors.")
@click.option("--users-per-injector", type=click.IntRange(min=1), help="A payload you measured.")
@click.option(
    "--iteration-seconds",
    "iteration_s",
    type=click.FloatRange(min=0, min_open=True),
    help="How long one user stays, where the load is arrivals.",
)
@click.option(
    "--provider",
    type=click.Choice([*PROVIDERS, "any"]),
    default="any",
    show_default=True,
    help="Whose machines.",
)
@click.option("--region", "regions", multiple=True, metavar="NAME", help="Where the load is from.")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Only such machines.")
@click.option("--architecture", type=click.Choice(["x86_64", "arm64"]), help="Only machines of it.")
@click.option(
    "--machines-at-most", "machines_max", type=click.IntRange(min=1), help="Over all regions."
)
@click.option(
    "--vcpus-at-most",
    "vcpus_max",
    type=click.IntRange(min=1),
    help="In each region, as your quota has it.",
)
@click.option("--one-type", is_flag=True, help="Machines of one type only in each region.")
@click.option("--explain", is_flag=True, help="Show the next best machines, and why not.")
@click.option("--account", metavar="ID", help="Quote under this account's plan.")
@pass_settings
def estimate(
    global_settings: Settings,
    /,
    source: str,
    provider: str,
    account: str | None,
    duration: str | None,
    explain: bool,
    **overrides: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """What the load test SOURCE takes and costs.

    SOURCE is a scenario file in YAML or JSON; `loadmuster schema scenario` describes it.
    """
    from engine.planning.estimate import estimate as make_estimate
    from engine.readers import read_scenario
    from engine.scenario import MachineWishes
    from kernel.durations import parse_duration_s
    from pricing.catalog import Catalog

    duration_s = None if duration is None else parse_duration_s(duration, where="--duration")
    wishes = MachineWishes(
        families=overrides.pop("families"),
        architecture=overrides.pop("architecture"),
        machines_max=overrides.pop("machines_max"),
        vcpus_max=overrides.pop("vcpus_max"),
        mixed=not overrides.pop("one_type"),
    )
    scenario = read_scenario(source, duration_s=duration_s, machines=wishes, **overrides)
    estimated = make_estimate(
        scenario,
        catalog=Catalog.bundled(),
        provider=provider,
        at=global_settings.clock().now().date(),
        plan=None if account is None else _plan_of(account, global_settings.db),
    )
    explanations = None
    if explain:
        from engine.planning.next_best import explain as make_explanations

        explanations = make_explanations(estimated, Catalog.bundled())
    if global_settings.json:
        from engine.documents import estimate_document

        global_settings.emit(estimate_document(estimated, explanations), lambda _: None)
    else:
        global_settings.emit({}, lambda console: _show(console, estimated, explanations or ()))


def _show(console: Console, estimated: Estimate, explanations: Sequence[Explanation]) -> None:
    from engine.cli.estimate_view import show_estimate

    show_estimate(console, estimated)
    if explanations:
        from engine.cli.explain_view import show_explanation

        for each in explanations:
            show_explanation(console, each)


def _plan_of(account: str, db: str | None) -> Plan:
    """The account's plan; only this needs the database."""
    from engine.database import open_database
    from pricing.accounts import plan_of

    with open_database(db).connect() as conn:
        return plan_of(conn, account)
