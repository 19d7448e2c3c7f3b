"""``usage``: how an account used its credits and its money, in its current cycle or on any days."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from loadmuster.cli.output import VisibleRows, unread_is_no_failure
from loadmuster.cli.report_options import (
    FROM_HELP,
    MONTH_OR_DAYS,
    TO_HELP,
    account_and_month,
    asked_period,
    check_which,
)
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.usage import CSV_COLUMNS, usage_document, usage_rows

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.reports.usage import CycleUsage


@click.command(cls=Command, one_of=[("--csv", "--focus", "--json"), *MONTH_OR_DAYS])
@account_and_month
@click.option("--from", "first", metavar="DATE", help=FROM_HELP)
@click.option("--to", "last", metavar="DATE", help=TO_HELP)
@click.option("--csv", "is_csv", is_flag=True, help="One line a run, as CSV.")
@click.option("--focus", "is_focus", is_flag=True, help="FinOps FOCUS 1.2 records, as CSV.")
@click.option("--by", metavar="USER", help="Who asks; only administrators see usage.")
@pass_settings
def usage(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    /,
    *,
    account_id: str | None,
    is_all: bool,
    month: str | None,
    first: str | None,
    last: str | None,
    is_csv: bool,
    is_focus: bool,
    by: str | None,
) -> None:
    """Show what the account ID used: by day, department and run. Without an ID: every account.

    Without a month or days it is the current billing cycle; on demand that is the calendar month.
    Days are in each account's own time zone.
    """
    check_which(account_id, by, is_all=is_all)
    period = asked_period(first, last, month)
    reports = settings.engine().reports
    if account_id is None:
        every = reports.usage_of_all(period=period)
    else:
        every = iter([reports.usage(account_id, period=period, by=by)])
    if is_csv:
        columns = CSV_COLUMNS if account_id is not None else ("account", *CSV_COLUMNS)
        _print_csv(columns, (row for used in every for row in usage_rows(used)))
    elif is_focus:
        from pricing.reports.usage_focus import COLUMNS, focus_records

        _print_csv(COLUMNS, (record for used in every for record in focus_records(used)))
    elif account_id is None:
        _show_all(settings, every)
    else:
        used = next(every)
        settings.emit(usage_document(used), lambda console: _show(console, used))


def _show(console: Console, used: CycleUsage) -> None:
    from loadmuster.cli.as_of import tell_as_of
    from loadmuster.cli.usage_view import show_usage

    assert used.as_of is not None
    tell_as_of(console, used.as_of, used.timezone)
    show_usage(console, used)


def _show_all(settings: Settings, every: Iterator[CycleUsage]) -> None:
    if settings.json:
        from loadmuster.cli.streaming import print_rows

        print_rows({}, "accounts", map(usage_document, every))
        return
    from loadmuster.cli.usage_view import show_usage_of_all

    with unread_is_no_failure():
        show_usage_of_all(settings.console(), every)


def _print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with unread_is_no_failure():
        lines = csv.DictWriter(VisibleRows(), columns, lineterminator="\n", extrasaction="ignore")
        lines.writeheader()
        lines.writerows(rows)
