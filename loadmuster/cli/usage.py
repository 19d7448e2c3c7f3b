"""``usage``: how an account used the credits and the money of its current cycle."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import BadInputError
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.usage import RUN_COLUMNS, run_row, usage_document

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.reports.usage import CycleUsage


@click.command(cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--csv", "form", flag_value="csv", help="One line a run, as CSV.")
@click.option("--focus", "form", flag_value="focus", help="FinOps FOCUS 1.2 records, as CSV.")
@click.option("--by", metavar="USER", help="Who asks; only administrators see usage.")
@pass_settings
def usage(settings: Settings, account_id: str, form: str | None, by: str | None) -> None:
    """Show what the account ID used in its current billing cycle: by day, department and run.

    On demand, the cycle is the calendar month in the account's time zone.
    """
    if form is not None and settings.json:
        raise BadInputError(f"--{form} and --json are two forms of output; choose one")
    engine = settings.engine()
    used = engine.reports.usage(account_id, by=by)
    if form == "csv":
        _print_csv(RUN_COLUMNS, (run_row(run, used.timezone) for run in used.runs))
    elif form == "focus":
        from pricing.reports.usage_focus import COLUMNS, focus_records

        _print_csv(COLUMNS, focus_records(used))
    else:
        settings.emit(usage_document(used), lambda console: _show(console, used))


def _show(console: Console, used: CycleUsage) -> None:
    from loadmuster.cli.usage_view import show_usage

    show_usage(console, used)


def _print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    lines = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
