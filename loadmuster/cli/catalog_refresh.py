"""``loadmuster catalog refresh``, ``versions`` and ``use``: fresh prices, and going back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from engine.catalogs.in_use import versions_here
from engine.clouds import CLOUDS
from kernel.visible import visible
from kernel.words import counted
from loadmuster.cli.catalog import catalog
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.refreshed import refreshed_document, version_document, versions_document
from pricing.catalog import BUNDLED

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from engine.catalogs.fetching import FetchProgress
    from engine.catalogs.refresh import Refreshed
    from kernel.clock import Clock

KEPT_SHOWN_MAX = 5
TOLD_WAIT_S = 2.0


@catalog.command("refresh", cls=Command)
@click.option(
    "--provider", type=click.Choice([*CLOUDS]), required=True, help="Whose price list to read."
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="NAME",
    help="Only this one, also one that is new; repeatable; default: all of the catalogue.",
)
@click.option("--spot", is_flag=True, help="Spot prices too; `catalog show` has them.")
@pass_settings
def refresh_prices(
    settings: Settings, provider: str, regions: tuple[str, ...], *, spot: bool
) -> None:
    """Read the cloud's own price list into a new version of the catalogue, and use it.

    Azure's list is public; AWS's needs credentials and costs nothing. The version in use stays as
    it is until the new one is whole. Interrupted, the same command goes on from the last page.
    """
    console = settings.progress_console()
    done = settings.engine(_TellingClock(settings.clock(), console)).catalog.refresh(
        provider,
        regions=regions,
        spot=spot,
        watch=lambda progress: _show_progress(console, provider, progress),
    )
    settings.emit(refreshed_document(done), lambda out: _show_refreshed(out, done))


@catalog.command("versions", cls=Command)
@pass_settings
def list_versions(settings: Settings) -> None:
    """The catalogues on this computer, oldest first, and which one is in use."""
    versions = versions_here()
    in_use = versions.in_use()
    found = [versions.open(name) for name in (BUNDLED, *versions.names())]
    document = versions_document(versions.folder, found, in_use)

    def show(console: Console) -> None:
        from loadmuster.cli.fitting import FittingTable

        table = FittingTable("version", "in use", "refreshed")
        for each in document["versions"]:
            refreshed = ", ".join(
                f"{provider}: {counted(regions, 'region')}"
                for provider, regions in each["regions"].items()
            )
            in_words = "damaged" if each["problem"] else refreshed or "-"
            table.add_row(each["version"], "yes" if each["in_use"] else "", in_words)
        console.print(table)

    settings.emit(document, show)


@catalog.command("use", cls=Command)
@click.argument("version")
@pass_settings
def use_version(settings: Settings, version: str) -> None:
    """Use VERSION of the catalogue from now on: `bundled`, or one of `catalog versions`."""
    used = versions_here().use(version)
    document = version_document(used, version)
    settings.emit(document, lambda console: console.print(f"in use: {version}"))


class _TellingClock:
    """A clock on which long waits are told."""

    def __init__(self, clock: Clock, console: Console) -> None:
        self._clock = clock
        self._console = console

    def now(self) -> datetime:
        """The present instant."""
        return self._clock.now()

    def sleep(self, duration_s: float) -> None:
        """Wait, and say so."""
        if duration_s >= TOLD_WAIT_S:
            self._console.print(f"waiting {duration_s:.0f} s before the price list is asked again")
        self._clock.sleep(duration_s)


def _show_progress(console: Console, provider: str, progress: FetchProgress) -> None:
    kept = f", {progress.kept_pages} fetched before" if progress.kept_pages else ""
    console.print(
        f"{progress.number}/{progress.regions}  {provider} {progress.region}: "
        f"{counted(progress.prices, 'price')} in {counted(progress.pages, 'page')}{kept}, "
        f"{counted(progress.left_out, 'row')} left out"
    )


def _show_refreshed(console: Console, done: Refreshed) -> None:
    from loadmuster.cli.fitting import FittingTable

    table = FittingTable("region", "machine types", "new", "gone", "repriced", "largest change")
    for each in done.changes:
        table.add_row(
            each.region,
            f"{each.prices:,}",
            str(len(each.new)),
            str(len(each.gone)),
            str(len(each.repriced)),
            f"{each.repriced[0].name} {each.repriced[0].change_percent:+.1f} %"
            if each.repriced
            else "-",
        )
    console.print(table)
    reasons: Counter[Any] = sum((each.left_out for each in done.changes), Counter())
    if reasons:
        said = ", ".join(f"{count:,} {reason.value}" for reason, count in reasons.most_common())
        console.print(f"Left out: {said}")
    for region, reason in list(done.kept.items())[:KEPT_SHOWN_MAX]:
        console.print(f"Kept as it was: {region}: {visible(reason)}")
    published = done.published or "on an unknown day"
    console.print(
        f"in use: {done.version} ({done.provider} asked on {done.day}, published {published}); "
        f"`loadmuster catalog use {done.before}` goes back"
    )
