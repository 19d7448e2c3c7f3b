"""``books``: months are closed, and the ledger is exported and proven."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernel.words import counted
from loadmuster.cli.books_reconcile import reconcile
from loadmuster.cli.settings import CommandGroup, Settings, pass_settings
from loadmuster.documents.books import (
    closed_month_document,
    closed_months_document,
    exported_books_document,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.ledger.closing import ClosedMonth

_account = click.option("--account", metavar="ID", help="Of this account alone; default: of all.")


@click.group(cls=CommandGroup)
def books() -> None:
    """Close months of the books, export the ledger, and compare the gateway's books with them."""


books.add_command(reconcile)


@books.command("close")
@click.argument("month", metavar="MONTH")
@pass_settings
def close(settings: Settings, month: str) -> None:
    """Close MONTH (2026-11, in UTC) and all before it, for good."""
    closed = settings.engine().books.close(month)
    settings.emit(
        closed_month_document(closed),
        lambda console: console.print(
            f"The books take no posting before {closed.ends_at:%Y-%m-%d} any more."
        ),
    )


@books.command("months")
@pass_settings
def months(settings: Settings) -> None:
    """List the months that are closed."""
    closed = settings.engine().books.months()
    settings.emit(closed_months_document(closed), lambda console: _show_months(console, closed))


@books.command("export")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@_account
@click.option("--month", metavar="2026-11", help="Only what is posted in that month, in UTC.")
@pass_settings
def export(settings: Settings, file: Path, account: str | None, month: str | None) -> None:
    """Write the ledger into FILE (.csv, .parquet, .arrow), one row a posting."""
    done = settings.engine().books.export(file, account_id=account, month=month)
    settings.emit(
        exported_books_document(done),
        lambda console: console.print(
            f"{counted(done.postings, 'posting')} in {file}; the ledger balances in each unit.",
        ),
    )


@books.command("check")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@_account
@pass_settings
def check(settings: Settings, file: Path, account: str | None) -> None:
    """Prove that the sums of an exported FILE are the ledger's, as far as it had got then."""
    done = settings.engine().books.check(file, account_id=account)
    settings.emit(
        exported_books_document(done),
        lambda console: console.print(
            f"{counted(done.postings, 'posting')} in {file} come to what the ledger says, account"
            " by account.",
        ),
    )


def _show_months(console: Console, closed: Sequence[ClosedMonth]) -> None:
    if not closed:
        console.print("No month is closed yet: loadmuster books close 2026-11 closes one.")
        return
    from loadmuster.cli.layout import columns

    table = columns("month", "closed at", "command", fixed=("month", "closed at"))
    for each in closed:
        number = "" if each.command is None else str(each.command)
        table.add_row(each.month, f"{each.closed_at:%Y-%m-%d %H:%M}", number)
    console.print(table)
