"""``account adjust``: what an operator credits to an account, or takes of its credit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kernel.errors import BadInputError
from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.invoices import invoice_row

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.ledger.invoices import Invoice


@click.command("adjust", cls=Command, one_of=[("--credit", "--debit")])
@click.argument("account_id", metavar="ID")
@click.option("--credit", metavar="AMOUNT", help="Credit it so many dollars, tax included.")
@click.option("--debit", metavar="AMOUNT", help="Take so many dollars of its credit.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; it stands on the document.")
@request_id_option
@pass_settings
def adjust(
    settings: Settings,
    account_id: str,
    *,
    credit: str | None,
    debit: str | None,
    reason: str,
    request_id: str | None,
) -> None:
    """Credit the account ID by a credit note, or take of its credit by an invoice.

    A credit is set off against what the account is charged next; it is at most what its invoices
    charge and was not taken back, and a debit at most the credit that is left. For the owner of the
    installation.
    """
    from pricing.money import price_usd_micros

    if credit is None and debit is None:
        raise BadInputError("account adjust: --credit AMOUNT, or --debit AMOUNT, would be right")
    engine = settings.engine()
    if credit is not None:
        amount = price_usd_micros(credit, where="--credit")
    else:
        amount = -price_usd_micros(debit or "", where="--debit")
    issued = engine.accounts.adjust(
        account_id, usd_micros=amount, reason=reason, request_id=request_id
    )
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(invoice_row(issued, timezone), lambda console: _show(console, issued))


def _show(console: Console, issued: Invoice) -> None:
    from pricing.money import format_usd

    usd = format_usd(abs(issued.total_usd_micros))
    if issued.total_usd_micros < 0:
        console.print(f"{usd} USD were credited; credit note {issued.number}")
    else:
        console.print(f"{usd} USD were taken of the credit; invoice {issued.number}")
