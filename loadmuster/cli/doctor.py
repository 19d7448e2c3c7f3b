"""``loadmuster doctor``: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from engine.clouds import CLOUDS, LOCAL
from loadmuster.cli.output import print_document
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from rich.console import Console

    from engine.commands.checkup import Checkup


@click.command(cls=Command, one_of=[("--policy", "--provider"), ("--policy", "--region")])
@click.option(
    "--provider",
    "providers",
    type=click.Choice([LOCAL, *CLOUDS]),
    multiple=True,
    help="Only this one, which then has to be usable; repeatable.",
)
@click.option(
    "--region", "regions", multiple=True, metavar="NAME", help="Of the cloud; repeatable."
)
@click.option(
    "--policy",
    type=click.Choice([*CLOUDS]),
    help="Print the least policy or role for runs there, as JSON, and look at nothing.",
)
@pass_settings
def doctor(
    settings: Settings, providers: tuple[str, ...], regions: tuple[str, ...], policy: str | None
) -> None:
    """Look at what a run needs: database, load engine, credentials, permissions, quotas.

    Ends with 0 if runs can work, 2 if something is missing here, 4 if a cloud refuses.
    """
    engine = settings.engine()
    if policy is not None:
        print_document(engine.doctor.policy(policy))
        return
    from loadmuster.cli.console import redraws
    from loadmuster.documents.doctor import checkup_document

    console = settings.progress_console()
    with console.status("looking ...") if redraws(console) else nullcontext():
        checkup = engine.doctor.examine(providers=providers, regions=regions)
    settings.emit(checkup_document(checkup), lambda out: _show(out, checkup))
    sys.exit(checkup.exit_code)


def _show(console: Console, checkup: Checkup) -> None:
    from rich.text import Text

    from engine.commands.checkup import HERE
    from loadmuster.cli.layout import columns, section
    from providers.findings import Grade

    styles = {Grade.OK: "green", Grade.UNKNOWN: "yellow", Grade.MISSING: "bold red"}
    for name, found in checkup.findings.items():
        table = columns("", "what", "found", "to do", fixed=("", "what"))
        for each in found:
            grade = Text(
                "OK" if each.grade is Grade.OK else each.grade.value, style=styles[each.grade]
            )
            table.add_row(grade, each.what, Text(each.said), Text(each.remedy))
        heading = "this computer" if name == HERE else name
        if name != HERE:
            heading += ": runs can work" if checkup.usable(name) else ": runs cannot work yet"
        section(console, heading, table)
