"""``invoices``: of an account or of all, as a table, as JSON, or one as a page to send."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kernel.errors import BadInputError
from loadmuster.cli.as_of import as_of_line, tell_as_of
from loadmuster.cli.output import tell_line, unread_is_no_failure
from loadmuster.cli.overwriting import check_reads_stay
from loadmuster.cli.report_options import (
    MONTH_OR_DAYS,
    account_and_month,
    asked_period,
    check_which,
)
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.cli.streaming import print_rows
from loadmuster.documents.as_of import as_of_part
from loadmuster.documents.invoices import invoice_page_document, invoice_row

if TYPE_CHECKING:
    from engine.api import Engine
    from pricing.reports.report_period import ReportPeriod


@click.command(
    cls=Command,
    one_of=[
        ("--html", "--pdf", "--month"),
        ("--html", "--pdf", "--all"),
        ("--from", "--seller"),
        ("--to", "--customer"),
        *MONTH_OR_DAYS,
    ],
)
@account_and_month
@click.option("--html", "number", metavar="NUMBER", help="This invoice, as a page to send.")
@click.option("--pdf", "pdf_number", metavar="NUMBER", help="This invoice, as a PDF file.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where it goes.")
@click.option(
    "--from",
    "first",
    metavar="DATE",
    help="First day of issue, in the account's time zone; with --html as --seller.",
)
@click.option(
    "--to", "last", metavar="DATE", help="Last day of issue, inclusive; with --html as --customer."
)
@click.option("--seller", metavar="TEXT", help="Name and address of the sender, for --html.")
@click.option("--customer", metavar="TEXT", help="Name and address of the customer, for --html.")
@click.option("--by", metavar="USER", help="Who asks; only administrators see invoices.")
@pass_settings
def invoices(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    /,
    *,
    account_id: str | None,
    is_all: bool,
    month: str | None,
    number: str | None,
    pdf_number: str | None,
    out: Path | None,
    first: str | None,
    last: str | None,
    seller: str | None,
    customer: str | None,
    by: str | None,
) -> None:
    """Show the invoices of the account ID, or write one of them as an HTML page or a PDF file.

    Without an ID: those of every account. With a month or days: those that were issued then.
    """
    check_which(account_id, by, is_all=is_all)
    if number is not None or pdf_number is not None:
        if account_id is None:
            raise BadInputError(
                "--html NUMBER, or --pdf NUMBER, is one invoice of one account: name its ID alone"
            )
        parties = seller or first, customer or last
        if number is not None:
            _show_page(settings, account_id, number, parties, out, by)
        elif pdf_number is not None:
            _write_pdf(settings, account_id, pdf_number, parties, out, by)
        return
    _refuse_without_html({"--out": out, "--seller": seller, "--customer": customer})
    period = asked_period(first, last, month)
    if account_id is None:
        _show_all(settings, period)
        return
    engine = settings.engine()
    now = engine.clock.now()
    timezone = engine.accounts.get(account_id).timezone
    as_of = engine.accounts.as_of(account_id, at=now)
    issued = engine.reports.each_invoice(account_id, period=period, by=by, at=now)
    if settings.json:
        rows = (invoice_row(each, timezone) for each in issued)
        head = {"payments_rehearsed": engine.accounts.payments_rehearsed}
        print_rows({**as_of_part(as_of, timezone), **head}, "invoices", rows)
        return
    from loadmuster.cli.invoices_view import show_invoices, tell_of_payments

    console = settings.console()
    with unread_is_no_failure():
        tell_as_of(console, as_of, timezone)
        if show_invoices(console, issued, timezone, nothing=_nothing(period)):
            tell_of_payments(console, is_rehearsed=engine.accounts.payments_rehearsed)


def _show_all(settings: Settings, period: ReportPeriod | None) -> None:
    """Every account's, as they come."""
    engine = settings.engine()
    now = engine.clock.now()
    issued = engine.reports.invoices_of_all(period=period, at=now)
    by_account = groupby(issued, key=lambda invoice: invoice.account_id)
    looked = (
        (account, engine.accounts.as_of(account.id, at=now), of_account)
        for account_id, of_account in by_account
        for account in (engine.accounts.get(account_id),)
    )
    if settings.json:
        rows = (
            {**invoice_row(each, account.timezone), **as_of_part(as_of, account.timezone)}
            for account, as_of, of_account in looked
            for each in of_account
        )
        head = {"payments_rehearsed": engine.accounts.payments_rehearsed}
        print_rows(head, "invoices", rows)
        return
    from loadmuster.cli.invoices_view import show_invoices_of_all, tell_of_payments

    console = settings.console()
    with unread_is_no_failure():
        if show_invoices_of_all(console, looked, nothing=_nothing(period)):
            tell_of_payments(console, is_rehearsed=engine.accounts.payments_rehearsed)


def _nothing(period: ReportPeriod | None) -> str:
    return "No invoices yet." if period is None else "No invoice was issued on these days."


def _show_page(
    settings: Settings,
    account_id: str,
    number: str,
    parties: tuple[str | None, str | None],
    out: Path | None,
    by: str | None,
) -> None:
    engine = settings.engine()
    seller, customer = parties
    page = engine.reports.invoice_page(account_id, number, seller=seller, customer=customer, by=by)
    _tell_books(engine, account_id)
    _write(settings, number, page, out)


def _write_pdf(
    settings: Settings,
    account_id: str,
    number: str,
    parties: tuple[str | None, str | None],
    out: Path | None,
    by: str | None,
) -> None:
    if out is None:
        raise BadInputError("--pdf NUMBER needs --out FILE for what is drawn", option="--out")
    engine = settings.engine()
    seller, customer = parties
    drawn = engine.reports.invoice_pdf(account_id, number, seller=seller, customer=customer, by=by)
    _tell_books(engine, account_id)
    _to_file(settings, number, drawn, out)


def _tell_books(engine: Engine, account_id: str) -> None:
    """Beside what is drawn: of what instant the books were that it was drawn from."""
    timezone = engine.accounts.get(account_id).timezone
    if (line := as_of_line(engine.accounts.as_of(account_id), timezone)) is not None:
        tell_line(line)


def _write(settings: Settings, number: str, page: str, out: Path | None) -> None:
    if out is None:
        if settings.json:
            raise BadInputError("--html with --json needs --out FILE for the page")
        click.echo(page, nl=False)
        return
    _to_file(settings, number, page.encode(), out)


def _to_file(settings: Settings, number: str, content: bytes, out: Path) -> None:
    check_reads_stay(settings, out)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise BadInputError(
            f"--out {out}: {error.strerror}; a file in an existing folder would be right",
            path=str(out),
        ) from error
    settings.emit(
        invoice_page_document(number, out),
        lambda console: console.print(f"Invoice {number} is in {out}"),
    )


def _refuse_without_html(given: dict[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise BadInputError(f"{option} belongs to --html NUMBER", option=option)
