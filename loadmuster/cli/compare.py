"""``loadmuster compare``: the same test at every tariff, on every plan and on each cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loadmuster.cli.settings import QuickCommand, Settings, pass_settings
from loadmuster.cli.source_options import read_given, source_options

if TYPE_CHECKING:
    from rich.console import Console

    from loadmuster.documents.shapes import ComparisonDocument


@click.command(cls=QuickCommand)
@source_options
@pass_settings
def compare(
    global_settings: Settings,
    /,
    source: str,
    provider: str,
    **overrides: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Rank all ways to run the load test SOURCE by their price.

    Plans, accounts of one's own on the clouds, and load-testing services, cheapest first; those
    whose price was not found come last. Says where each price is from.
    """
    from engine.catalogs.in_use import catalog_in_use
    from engine.planning.compare import compare as make_comparison
    from pricing.plans.on_sale import estimated_plans

    comparison = make_comparison(
        read_given(source, overrides),
        catalog=catalog_in_use(),
        provider=provider,
        at=global_settings.clock().now().date(),
        plans=estimated_plans(global_settings.plans_file()),
        rates=global_settings.rates(),
    )

    def document() -> ComparisonDocument:
        from loadmuster.documents.compared import comparison_document

        return comparison_document(comparison)

    def show(console: Console) -> None:
        from loadmuster.cli.compare_view import show_comparison

        show_comparison(console, comparison)

    global_settings.emit(document, show)
