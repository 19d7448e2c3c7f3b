"""``loadmuster estimate``: what a load test takes and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loadmuster.cli.settings import QuickCommand, Settings, pass_settings
from loadmuster.cli.source_options import read_given, source_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from engine.planning.estimate import Estimate
    from engine.planning.next_best import Explanation
    from engine.planning.staged import Staged
    from loadmuster.documents.shapes import EstimateDocument


@click.command(cls=QuickCommand)
@source_options
@click.option("--explain", is_flag=True, help="Show the next best machines, and why not.")
@click.option("--staged", is_flag=True, help="Also with injectors that come and go with the load.")
@click.option("--account", metavar="ID", help="Quote under this account's plan.")
@pass_settings
def estimate(
    global_settings: Settings,
    /,
    source: str,
    provider: str,
    account: str | None,
    explain: bool,
    staged: bool,
    **overrides: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """What the load test SOURCE takes and costs.

    SOURCE is a scenario file in YAML or JSON; `loadmuster schema scenario` describes it.
    """
    from engine.catalogs.in_use import catalog_in_use
    from engine.planning.estimate import estimate as make_estimate
    from pricing.plans.on_sale import estimated_plans

    catalog = catalog_in_use()
    today = global_settings.clock().now().date()
    estimated = make_estimate(
        read_given(source, overrides),
        catalog=catalog,
        provider=provider,
        at=today,
        # Only this needs the database.
        plan=None if account is None else global_settings.engine().accounts.plan_of(account),
        plans=estimated_plans(global_settings.plans_file()),
        rates=global_settings.rates(),
    )
    explanations = None
    if explain:
        from engine.planning.next_best import explain as make_explanations

        explanations = make_explanations(estimated, catalog)
    in_shifts = None
    if staged:
        from engine.planning.staged import stage

        in_shifts = stage(estimated, catalog=catalog, at=today)

    def document() -> EstimateDocument:
        from loadmuster.documents.estimated import estimate_document

        return estimate_document(estimated, explanations=explanations, staged=in_shifts)

    global_settings.emit(
        document, lambda console: _show(console, estimated, explanations or (), in_shifts)
    )


def _show(
    console: Console,
    estimated: Estimate,
    explanations: Sequence[Explanation],
    in_shifts: Staged | None,
) -> None:
    from loadmuster.cli.estimate_view import show_estimate

    show_estimate(console, estimated)
    if in_shifts is not None:
        from loadmuster.cli.staged_view import show_staged

        show_staged(console, in_shifts)
    if explanations:
        from loadmuster.cli.explain_view import show_explanation

        for each in explanations:
            show_explanation(console, each)
