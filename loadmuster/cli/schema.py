"""``loadmuster schema``: JSON Schemas of the files that are read and the documents printed."""

from __future__ import annotations

import click

from loadmuster.cli.output import print_document
from loadmuster.cli.settings import Command, Settings, pass_settings


@click.command(cls=Command)
@click.argument("name", type=click.Choice(["scenario", "estimate", "compare"]))
@pass_settings
def schema(settings: Settings, name: str) -> None:
    """The JSON Schema of a scenario file, for editors, or of a command's JSON document."""
    from loadmuster.documents.schema import json_schema

    document = json_schema(name)
    settings.emit(document, lambda _: print_document(document))
