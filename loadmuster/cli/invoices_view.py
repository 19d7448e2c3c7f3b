"""Invoices as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from loadmuster.cli.fitting import FittingTable
from pricing.ledger.invoices import Invoice
from pricing.money import format_usd
from pricing.payments.gateway import REHEARSED_NOTE


def show_invoices(
    console: Console, invoices: Sequence[Invoice], timezone: str, *, payments_rehearsed: bool
) -> None:
    """Every line with its number and its cause, under its invoice; and if nobody collects them."""
    if not invoices:
        console.print("No invoices yet.")
        return
    table = FittingTable(title="Invoices", title_justify="left")
    table.add_column("number", no_wrap=True)
    table.add_column("issued", no_wrap=True)
    table.add_column("no.", justify="right")
    table.add_column("what")
    table.add_column("USD", justify="right", no_wrap=True)
    zone = ZoneInfo(timezone)
    for invoice in invoices:
        number, issued = invoice.number, f"{invoice.issued_at.astimezone(zone):%Y-%m-%d}"
        for position, line in enumerate(invoice.lines, start=1):
            amount = format_usd(line.usd_micros)
            what = Text.assemble(line.description, "\n", (line.cause, "dim"))
            table.add_row(number, issued, str(position), what, amount)
            number = issued = ""
        table.add_row("", "", "", "total", format_usd(invoice.usd_micros))
        table.add_section()
    console.print(table)
    if payments_rehearsed:
        console.print(REHEARSED_NOTE)
