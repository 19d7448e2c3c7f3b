"""``usage``: how an account used the credits and the money of its current cycle."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import BadInputError
from loadmuster.cli.instants import local_to
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from pricing.reports.usage import CycleUsage, PurchaseRow, RunUse, Total

RUN_COLUMNS = (
    "run",
    "at",
    "department",
    "injectors",
    "users",
    "duration_s",
    "li_minutes",
    "credits_li_minutes",
    "usd",
    "corrected",
    "rehearsal",
)


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
        _print_csv(RUN_COLUMNS, (_run_row(run, used.timezone) for run in used.runs))
    elif form == "focus":
        from pricing.reports.usage_focus import COLUMNS, focus_records

        _print_csv(COLUMNS, focus_records(used))
    elif settings.json:
        settings.emit(usage_document(used), lambda _: None)
    else:
        from loadmuster.cli.usage_view import show_usage

        settings.emit({}, lambda console: show_usage(console, used))


def usage_document(used: CycleUsage) -> dict[str, Any]:
    """Usage as ``usage --json`` prints it; instants are in the account's zone."""
    from pricing.money import format_usd

    local = local_to(used.timezone)
    return {
        "account": used.account_id,
        "plan": used.plan,
        "timezone": used.timezone,
        "period": {"start": local(used.cycle.start), "end": local(used.cycle.end)},
        "consumed_li_minutes": used.total.credits_li_minutes,
        "remaining_li_minutes": used.remaining_li_minutes,
        "li_minutes": used.total.li_minutes,
        "runs_usd": format_usd(used.total.usd_micros),
        "charged_usd": format_usd(used.charged_usd_micros),
        "days": [
            {"day": day.isoformat(), **_total_row(total)} for day, total in used.by_day().items()
        ],
        "departments": [
            {"department": name, **_total_row(total)}
            for name, total in used.by_department().items()
        ],
        "runs": [_run_row(run, used.timezone) for run in used.runs],
        "purchases": [_purchase_row(each, used.timezone) for each in used.purchases],
    }


def _total_row(total: Total) -> dict[str, Any]:
    from pricing.money import format_usd

    return {
        "runs": total.runs,
        "li_minutes": total.li_minutes,
        "credits_li_minutes": total.credits_li_minutes,
        "usd": format_usd(total.usd_micros),
    }


def _run_row(run: RunUse, timezone: str) -> dict[str, Any]:
    from pricing.money import format_usd

    values = (
        run.run_id,
        local_to(timezone)(run.at),
        run.department,
        run.injectors,
        run.users,
        run.duration_s,
        run.li_minutes,
        run.credits_li_minutes,
        format_usd(run.usd_micros),
        run.corrected,
        run.rehearsal,
    )
    return dict(zip(RUN_COLUMNS, values, strict=True))


def _purchase_row(purchase: PurchaseRow, timezone: str) -> dict[str, Any]:
    from pricing.money import format_usd

    return {
        "what": purchase.what,
        "description": purchase.description,
        "at": local_to(timezone)(purchase.at),
        "usd": format_usd(purchase.usd_micros),
        "cause": purchase.key,
    }


def _print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    lines = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
