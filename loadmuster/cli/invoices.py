"""``invoices``: an account's invoices as a table, as JSON, or one as a page to send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernel.errors import BadInputError
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.invoices import invoice_page_document, invoices_document

if TYPE_CHECKING:
    from rich.console import Console


@click.command(cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--html", "number", metavar="NUMBER", help="This invoice, as a page to send.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the page goes.")
@click.option("--from", "seller", metavar="TEXT", help="Name and address of the sender.")
@click.option("--to", "customer", metavar="TEXT", help="Name and address of the customer.")
@click.option("--by", metavar="USER", help="Who asks; only administrators see invoices.")
@pass_settings
def invoices(
    settings: Settings,
    account_id: str,
    number: str | None,
    out: Path | None,
    seller: str | None,
    customer: str | None,
    by: str | None,
) -> None:
    """Show the invoices of the account ID, or write one of them as an HTML page."""
    if number is None:
        _refuse_without_html({"--out": out, "--from": seller, "--to": customer})
    engine = settings.engine()
    if number is not None:
        page = engine.reports.invoice_page(
            account_id, number, seller=seller, customer=customer, by=by
        )
        _write(settings, number, page, out)
        return
    issued = engine.reports.invoices(account_id, by=by)
    timezone = engine.accounts.get(account_id).timezone

    def show(console: Console) -> None:
        from loadmuster.cli.invoices_view import show_invoices

        show_invoices(
            console, issued, timezone, payments_rehearsed=engine.accounts.payments_rehearsed
        )

    document = invoices_document(
        issued, timezone, payments_rehearsed=engine.accounts.payments_rehearsed
    )
    settings.emit(document, show)


def _write(settings: Settings, number: str, page: str, out: Path | None) -> None:
    if out is None:
        if settings.json:
            raise BadInputError("--html with --json needs --out FILE for the page")
        click.echo(page, nl=False)
        return
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"--out {out}: {error.strerror}; a file in an existing folder would be right",
            path=str(out),
        ) from error
    settings.emit(
        invoice_page_document(number, out),
        lambda console: console.print(f"Invoice {number} is in {out}", markup=False),
    )


def _refuse_without_html(given: dict[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise BadInputError(f"{option} belongs to --html NUMBER", option=option)
