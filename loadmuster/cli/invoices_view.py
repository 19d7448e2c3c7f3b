"""Invoices as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.text import Text

from kernel.words import counted
from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.fitting import FittingTable, Foldable
from loadmuster.cli.layout import columns, section
from loadmuster.cli.streaming import pages
from pricing.accounts.account import Account
from pricing.accounts.clock import AsOf
from pricing.ledger.invoices import Invoice, InvoiceStatus
from pricing.money import format_usd
from pricing.payments.gateway import REHEARSED_NOTE
from pricing.taxes.words import tax_name

INVOICES_A_TABLE = 200
"""Tables are printed as they are full."""


def show_invoices(
    console: Console, issued: Iterable[Invoice], timezone: str, *, nothing: str
) -> bool:
    """Every line with its number and its cause, under its invoice; else ``nothing``.

    Returns:
        Whether there is any.
    """
    is_empty = True
    for page in pages(issued, INVOICES_A_TABLE):
        is_empty = False
        console.print(_lines(page, ZoneInfo(timezone)))
    if is_empty:
        console.print(nothing)
    return not is_empty


def show_invoices_of_all(
    console: Console, issued: Iterable[tuple[Account, AsOf, Iterable[Invoice]]], *, nothing: str
) -> bool:
    """A line for each invoice, account by account; else ``nothing``.

    Returns:
        Whether there is any.
    """
    is_empty = True
    for account, as_of, of_account in issued:
        zone = ZoneInfo(account.timezone)
        tell_as_of(console, as_of, account.timezone)
        for page in pages(of_account, INVOICES_A_TABLE):
            is_empty = False
            table = columns(
                *("number", "issued", "what", "USD", "status"),
                right=("USD",),
                fixed=("number", "issued", "status"),
            )
            for each in page:
                issued_on = f"{each.issued_at.astimezone(zone):%Y-%m-%d}"
                what = _what(each)
                amount = format_usd(each.total_usd_micros)
                table.add_row(each.number, issued_on, what, amount, each.status or "")
            section(console, f"Invoices of {account.id}", table)
    if is_empty:
        console.print(nothing)
    return not is_empty


def _what(invoice: Invoice) -> str:
    """What its total is of: its first line, and how many more there are."""
    first, *more = (line.description for line in invoice.lines)
    return f"{first}, and {counted(len(more), 'more line')}" if more else first


def tell_of_payments(console: Console, *, is_rehearsed: bool) -> None:
    """That nobody collects what is invoiced, where it is so."""
    if is_rehearsed:
        console.print(REHEARSED_NOTE)


def _total(invoice: Invoice, zone: ZoneInfo) -> str:
    """What the total is called: with where the invoice stands."""
    if invoice.status in {InvoiceStatus.DUE, InvoiceStatus.OVERDUE} and invoice.due_at is not None:
        return f"total, {invoice.status}: {invoice.due_at.astimezone(zone):%Y-%m-%d}"
    return "total" if invoice.status is None else f"total, {invoice.status}"


def _lines(page: Sequence[Invoice], zone: ZoneInfo) -> FittingTable:
    table = FittingTable(title="Invoices", title_justify="left")
    table.add_column("number", no_wrap=True)
    table.add_column("issued", no_wrap=True)
    table.add_column("no.", justify="right")
    table.add_column("what")
    table.add_column("USD", justify="right", no_wrap=True)
    for invoice in page:
        number, issued = invoice.number, f"{invoice.issued_at.astimezone(zone):%Y-%m-%d}"
        for position, line in enumerate(invoice.lines, start=1):
            amount = format_usd(line.usd_micros)
            what = Group(Text(line.description), Foldable(Text(line.cause, "dim")))
            table.add_row(number, issued, str(position), what, amount)
            number = issued = ""
        for tax in invoice.taxes:
            table.add_row("", "", "", tax_name(tax), format_usd(tax.tax_usd_micros))
        table.add_row("", "", "", _total(invoice, zone), format_usd(invoice.total_usd_micros))
        table.add_section()
    return table
