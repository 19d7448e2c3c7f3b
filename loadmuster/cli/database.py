"""``loadmuster db``: the database as a whole."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kernel.errors import InvariantBrokenError
from kernel.visible import visible
from kernel.words import counted
from loadmuster.cli.settings import Command, CommandGroup, Settings, pass_settings
from loadmuster.documents.damage import damage_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.reports.damage.reading import Damage


@click.group(cls=CommandGroup)
def db() -> None:
    """The database: whether its books are what they were."""


@db.command("check", cls=Command)
@pass_settings
def check(settings: Settings) -> None:
    """Look for damaged rows of the books, and tell each by name.

    Which row of which table, whose it is, and what does not hold: postings that do not sum to
    zero, invoices that are not what was charged, references that lead nowhere, documents that
    cannot be read. Nothing is changed, and other accounts go on. Ends with 5 where anything is
    damaged, with 2 where there is no such database.
    """
    found = settings.engine().db.check()
    settings.emit(damage_document(found), lambda console: _show(console, found))
    if found:
        sys.exit(InvariantBrokenError.exit_code)


def _show(console: Console, found: Sequence[Damage]) -> None:
    if not found:
        console.print("The books are what they were: no row is damaged.", highlight=False)
        return
    for each in found:
        whose = "" if each.account_id is None else f", account {each.account_id}"
        console.print(visible(f"{each.table} {each.row}{whose}: {each.what}"), highlight=False)
    told = counted(len(found), "finding")
    console.print(
        f"{told}. Restore these rows from a backup; accounts that are not named go on.",
        highlight=False,
    )
