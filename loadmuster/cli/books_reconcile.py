"""``books reconcile``: the payment gateway's movements of money against the books."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernel.errors import InvariantBrokenError
from kernel.words import counted
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.reconciliation import reconciliation_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.reports.reconciliation import Difference, ReconciliationReport

SHOWN_MAX = 50
"""Differences that people are shown; the document has more."""

NOT_COMPARED = (
    "Payments here are rehearsed and are not compared: the gateway that ships moves no money."
)

WORDS = {
    "missing_in_books": "not in the books",
    "missing_at_gateway": "not at the gateway",
    "other_amount": "another amount",
    "other_currency": "another currency",
    "doubled": "listed twice",
}


@click.command("reconcile", cls=Command)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--month", metavar="2026-11", help="Of this month, in UTC.")
@pass_settings
def reconcile(settings: Settings, file: Path | None, month: str | None) -> None:
    """Compare what the payment gateway says that it moved with the books.

    FILE is a CSV file of its movements (key, kind, amount, currency, at); without one the gateway
    is asked. Without a month: all time, or the file's. What is missing on either side, and what is
    of another amount or currency, is told, and ends with 5; without a database there, with 2.
    Nothing is written.
    """
    from loadmuster.cli.console import redraws

    console, engine = settings.progress_console(), settings.engine()
    books, is_rehearsed = engine.books, engine.accounts.payments_rehearsed
    if redraws(console):
        with console.status("reading what the gateway moved ...") as status:
            report = books.reconcile(
                file,
                month=month,
                watch=lambda count: status.update(f"{counted(count, 'movement')} read ..."),
            )
    else:
        report = books.reconcile(file, month=month)
    source = "gateway" if file is None else str(file)

    def show(console: Console) -> None:
        _show(console, report)
        if is_rehearsed:
            console.print(NOT_COMPARED)

    document = reconciliation_document(report, source, payments_rehearsed=is_rehearsed)
    settings.emit(document, show)
    if report.differences_count:
        sys.exit(InvariantBrokenError.exit_code)


def _show(console: Console, report: ReconciliationReport) -> None:
    from loadmuster.cli.layout import columns, section
    from pricing.money import format_usd

    console.print(f"From {report.start:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M}, in UTC.")
    if report.sums:
        table = columns(
            *("kind", "currency", "gateway", "amount", "fees", "books", "amount"),
            right=("gateway", "amount", "fees", "books"),
            fixed=("currency", "amount"),
        )
        for each in report.sums:
            table.add_row(
                each.kind.replace("_", " "),
                each.currency,
                str(each.gateway),
                format_usd(each.gateway_micros),
                format_usd(each.gateway_fee_micros),
                str(each.books),
                format_usd(each.books_micros),
            )
        section(console, "What moved", table)
    matched = counted(report.matched, "movement")
    if not report.differences_count:
        console.print(f"{matched} alike on both sides, and nothing that is not.")
        return
    table = columns(
        *("what", "kind", "gateway", "books", "account", "key"), right=("gateway", "books")
    )
    for difference in report.differences[:SHOWN_MAX]:
        table.add_row(*_cells(difference))
    section(console, "What does not match", table)
    told = counted(report.differences_count, "difference")
    shown = min(SHOWN_MAX, len(report.differences))
    rest = f"; the first {shown} are shown" if report.differences_count > shown else ""
    console.print(f"{told}{rest}; {matched} alike on both sides.")


def _cells(difference: Difference) -> tuple[str, ...]:
    from pricing.money import format_usd

    what = WORDS[difference.kind]
    if difference.state:
        what = f"{what}: {difference.state} there"
    one, other = difference.gateway, difference.books
    kind = one.kind if one is not None else other.kind if other is not None else ""
    key = one.key if one is not None else other.key if other is not None else ""
    return (
        what,
        str(kind).replace("_", " "),
        "" if one is None else f"{format_usd(one.micros)} {one.currency}",
        "" if other is None else f"{format_usd(other.micros)} {other.currency}",
        "" if other is None else other.account_id,
        key or (one.id if one is not None else ""),
    )
