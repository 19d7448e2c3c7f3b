"""``account dunning``: what an account owes, what was done about it, and the letters about that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from kernel.errors import BadInputError
from kernel.words import counted
from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.overwriting import check_reads_stay
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.dunning import dunning_document, letter_document

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from pricing.accounts.clock import AsOf
    from pricing.reports.dunning_report import DunningReport
    from pricing.subscriptions.dunning import ComingStep

WORDS = {
    "reminded": "reminded",
    "asked": "asked again",
    "suspended": "suspended",
    "ended": "the subscription ends",
}
"""What people read of a step."""


@click.command("dunning", cls=Command, one_of=[("--html", "--pdf")])
@click.argument("account_id", metavar="ID")
@click.option("--html", "is_html", is_flag=True, help="Write a letter as a page to send.")
@click.option("--pdf", "is_pdf", is_flag=True, help="Write a letter as a PDF file.")
@click.option(
    "--letter",
    "number",
    type=WholeNumber(1),
    metavar="N",
    help="Which letter, of those that are listed; default: the latest.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where it goes.")
@click.option("--by", metavar="USER", help="Who asks; only administrators see what is owed.")
@pass_settings
def dunning(
    settings: Settings,
    /,
    *,
    account_id: str,
    is_html: bool,
    is_pdf: bool,
    number: int | None,
    out: Path | None,
    by: str | None,
) -> None:
    """Show what the account ID has not paid, what was done about it and what comes next.

    With --html or --pdf: write the letter about one of these steps, to be sent to the customer.
    """
    if is_html or is_pdf:
        _write(settings, account_id, number, out, by, is_pdf=is_pdf)
        return
    for option, value in (("--letter", number), ("--out", out)):
        if value is not None:
            raise BadInputError(f"{option} goes with --html or --pdf", option=option)
    engine = settings.engine()
    report = engine.accounts.dunning(account_id, by=by)
    as_of = engine.accounts.as_of(account_id)
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(
        dunning_document(report, timezone, as_of),
        lambda console: _show(console, report, timezone, as_of),
    )


def _write(
    settings: Settings,
    account_id: str,
    number: int | None,
    out: Path | None,
    by: str | None,
    *,
    is_pdf: bool,
) -> None:
    if out is None:
        raise BadInputError("a letter needs --out FILE for what is drawn", option="--out")
    accounts = settings.engine().accounts
    draw = accounts.dunning_pdf if is_pdf else accounts.dunning_page
    drawn = draw(account_id, number=number, by=by)
    check_reads_stay(settings, out)
    try:
        out.write_bytes(drawn if isinstance(drawn, bytes) else drawn.encode())
    except OSError as error:
        raise BadInputError(f"{out}: {error.strerror}", path=str(out)) from error
    which = number or len(accounts.dunning(account_id, by=by).steps)
    settings.emit(
        letter_document(account_id, which, out),
        lambda console: console.print(f"Wrote letter {which} of account {account_id} to {out}."),
    )


def _show(console: Console, report: DunningReport, timezone: str, as_of: AsOf) -> None:
    from loadmuster.cli.fitting import FittingTable
    from pricing.money import format_usd

    zone = ZoneInfo(timezone)
    tell_as_of(console, as_of, timezone)
    standing = report.standing
    if standing is None:
        console.print(f"Account {report.account_id} owes nothing that was declined.")
    else:
        invoices = counted(len(standing.unpaid), "invoice")
        console.print(
            f"{format_usd(standing.usd_micros)} USD of {invoices} are not paid,"
            f" {due_in_words(standing.since, as_of.instant, timezone)};"
            f" {next_in_words(standing.next, timezone)}"
        )
    if not report.steps:
        return
    table = FittingTable(title=f"What was done and told (days in {timezone})", title_justify="left")
    table.add_column("letter", justify="right")
    for name in ("day", "what", "invoices"):
        table.add_column(name)
    table.add_column("USD", justify="right")
    table.add_column("then")
    for each in report.steps:
        table.add_row(
            str(each.number),
            f"{each.at.astimezone(zone):%Y-%m-%d}",
            f"{WORDS[each.kind]}: no run starts" if each.kind == "suspended" else WORDS[each.kind],
            ", ".join(owed.number for owed in each.unpaid),
            format_usd(each.usd_micros),
            next_in_words(each.next, timezone),
        )
    console.print(table)


def next_in_words(coming: ComingStep | None, timezone: str) -> str:
    """What comes next, and on which day."""
    if coming is None:
        return "nothing more is done"
    day = coming.at.astimezone(ZoneInfo(timezone)).date()
    return f"{WORDS[coming.kind]} on {day}"


def due_in_words(since: datetime, now: datetime, timezone: str) -> str:
    """When the oldest of what is not paid is due, or has been since."""
    zone = ZoneInfo(timezone)
    day, today = since.astimezone(zone).date(), now.astimezone(zone).date()
    return f"due since {day}" if day <= today else f"due on {day}"
