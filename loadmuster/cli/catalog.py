"""``loadmuster catalog``: machine types, where they can be had, and at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.catalogs.in_use import catalog_in_use
from engine.catalogs.shown import look_up
from engine.clouds import CLOUDS
from loadmuster.cli.catalog_view import offerings_table, regions_table
from loadmuster.cli.catalog_view import show_offering as show_in_words
from loadmuster.cli.settings import Command, CommandGroup, Settings, pass_settings
from loadmuster.documents.catalog import catalog_document, shown_document

if TYPE_CHECKING:
    from rich.console import Console


@click.group(cls=CommandGroup)
def catalog() -> None:
    """Machine types and their prices on AWS and Azure."""


@catalog.command("list", cls=Command)
@click.option("--provider", help=f"{' or '.join(CLOUDS)}; default: all.")
@click.option("--region", help="One region; default: all.")
@click.option("--family", help="One family of machine types: c7i, Dsv5, ...")
@pass_settings
def list_offerings(
    settings: Settings, provider: str | None, region: str | None, family: str | None
) -> None:
    """Regions; with --region or --family, the machine types there and their prices."""
    in_use = catalog_in_use()
    places = in_use.places(provider, region)
    if family is not None:
        in_use.check_family(family, sorted({place[0] for place in places}))
        places = tuple(place for place in places if family in in_use.families(place[0]))
    offerings = [
        offering
        for place in places
        for offering in (in_use.offerings(*place) if region or family else ())
        if family is None or offering.machine.family == family
    ]
    document = catalog_document(in_use, places, offerings)

    def show(console: Console) -> None:
        if region or family:
            console.print(offerings_table(offerings))
        else:
            console.print(regions_table(document["regions"]))

    settings.emit(document, show)


@catalog.command("show", cls=Command)
@click.argument("provider")
@click.argument("region")
@click.argument("machine_type", metavar="TYPE")
@pass_settings
def show_offering(settings: Settings, provider: str, region: str, machine_type: str) -> None:
    """One machine type in one region, with what surrounds it and where the figures come from."""
    shown = look_up(catalog_in_use(), provider, region, machine_type)
    today = settings.clock().now().date()
    settings.emit(
        shown_document(shown, today), lambda console: show_in_words(console, shown, today)
    )
