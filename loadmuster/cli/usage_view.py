"""Usage as people read it: figures, a plot by day, departments, the latest runs; all accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kernel.words import counted
from loadmuster.cli.chart import Chart
from loadmuster.cli.layout import INDENT, columns, facts, section
from loadmuster.cli.streaming import pages
from pricing.money import format_usd
from pricing.reports.usage import CycleUsage

HEIGHT_ROWS = 7
WIDTH_COLUMNS_MAX = 100
RUNS_SHOWN_MAX = 20
DAYS_BETWEEN_TICKS = 5
DAYS_PLOTTED_MAX = 62
"""A bar a day; of longer periods, months are told."""

ACCOUNTS_A_TABLE = 200
HYPOTHETICAL, LATER = "*", "+"
NOTES = {
    HYPOTHETICAL: "hypothetical, as it would be if nothing else happened until then",
    LATER: "as of the account's last command; books of an earlier time are not shown",
}

OWN_RUNS = "(the account's own)"


def show_usage(console: Console, used: CycleUsage) -> None:
    """Everything about the cycle; of its runs the latest."""
    section(console, f"Usage of {used.account_id}", _figures(used))
    if used.purchases:
        section(console, "Charged besides runs", _purchases(used))
    if not used.runs:
        console.print(
            "\nNo run was charged in this cycle yet."
            if used.is_cycle
            else "\nNo run was charged on these days."
        )
        return
    if (used.cycle.last_day - used.cycle.first_day).days < DAYS_PLOTTED_MAX:
        section(console, "LI-minutes by day", usage_plot(used, console.width - INDENT))
    else:
        section(console, "By month", _months(used))
    section(console, "By department", _departments(used))
    fit = len(used.runs) <= RUNS_SHOWN_MAX
    heading = "Runs" if fit else f"Runs, the last {RUNS_SHOWN_MAX} of {len(used.runs):,}"
    section(console, heading, _runs(used))


def usage_plot(used: CycleUsage, width_columns: int) -> Text:
    """A bar a day from the first to the last of the cycle."""
    days = used.by_day()
    levels = [total.li_minutes for total in days.values()]
    peak = max(1, *levels)
    chart = Chart(
        min(width_columns, WIDTH_COLUMNS_MAX),
        HEIGHT_ROWS,
        len(days) + 1,
        [(level, f"{level:,}") for level in (0, peak // 2, peak)],
    )
    chart.bars(levels)
    names = [f"{day:%d %b}" for day in days]
    return Text(chart.drawn(list(enumerate(names, start=1))[::DAYS_BETWEEN_TICKS]), "cyan")


def _figures(used: CycleUsage) -> Table:
    total = used.total
    days = f"{used.cycle.first_day} to {used.cycle.last_day} ({used.timezone})"
    rows = [
        ("plan", used.plan),
        ("cycle" if used.is_cycle else "period", days),
        ("runs", f"{total.runs:,}, {counted(total.li_minutes, 'LI-minute')}"),
        ("credits consumed", counted(total.credits_li_minutes, "LI-minute")),
        ("credits remaining", counted(used.remaining_li_minutes, "LI-minute")),
        ("runs paid in money", f"{format_usd(total.usd_micros)} USD"),
        ("charged in all", f"{format_usd(used.charged_usd_micros)} USD{_tax(used)}"),
    ]
    return facts(*rows)


def _tax(used: CycleUsage) -> str:
    """The tax on what was charged, where any is computed."""
    return f", and {format_usd(used.tax_usd_micros)} tax" if used.taxes else ""


def _purchases(used: CycleUsage) -> Table:
    zone = ZoneInfo(used.timezone)
    table = columns("at", "what", "USD", right=("USD",), fixed=("at",))
    for each in used.purchases:
        at = f"{each.at.astimezone(zone):%Y-%m-%d %H:%M}"
        table.add_row(at, each.description, format_usd(each.usd_micros))
    return table


def show_usage_of_all(console: Console, every: Iterable[CycleUsage]) -> None:
    """A line for each account, in tables that are printed as they are full."""
    is_empty = True
    for page in pages(every, ACCOUNTS_A_TABLE):
        is_empty = False
        section(console, "Usage", _accounts(page))
        marks = {_mark(used) for used in page}
        for mark in sorted(marks & NOTES.keys()):
            console.print(f"\n{mark}: {NOTES[mark]}")
    if is_empty:
        console.print("No accounts yet.")


def _accounts(page: Sequence[CycleUsage]) -> Table:
    figures = ("runs", "LI-minutes", "USD in all")
    table = columns(
        "account", "plan", "days", *figures, right=figures, fixed=("account", "plan", "days")
    )
    for used in page:
        total = used.total
        table.add_row(
            used.account_id + _mark(used),
            used.plan,
            f"{used.cycle.first_day} to {used.cycle.last_day}",
            f"{total.runs:,}",
            f"{total.li_minutes:,}",
            format_usd(used.charged_usd_micros),
        )
    return table


def _mark(used: CycleUsage) -> str:
    """What stands behind an account that is shown at another time than was asked for, or is its."""
    if used.as_of is None:
        return ""
    if used.as_of.hypothetical:
        return HYPOTHETICAL
    return LATER if used.as_of.is_later else ""


def _months(used: CycleUsage) -> Table:
    figures = ("runs", "LI-minutes", "of credits", "USD")
    table = columns("month", *figures, right=figures)
    for month, days in groupby(used.by_day().items(), key=lambda day: f"{day[0]:%Y-%m}"):
        totals = [total for _, total in days]
        table.add_row(
            month,
            f"{sum(each.runs for each in totals):,}",
            f"{sum(each.li_minutes for each in totals):,}",
            f"{sum(each.credits_li_minutes for each in totals):,}",
            format_usd(sum(each.usd_micros for each in totals)),
        )
    return table


def _departments(used: CycleUsage) -> Table:
    figures = ("runs", "LI-minutes", "of credits", "USD")
    table = columns("department", *figures, right=figures)
    for name, total in used.by_department().items():
        table.add_row(
            name or OWN_RUNS,
            f"{total.runs:,}",
            f"{total.li_minutes:,}",
            f"{total.credits_li_minutes:,}",
            format_usd(total.usd_micros),
        )
    return table


def _runs(used: CycleUsage) -> Table:
    zone = ZoneInfo(used.timezone)
    figures = ("injectors", "LI-minutes", "USD")
    whose = ["department"] if any(run.department for run in used.runs) else []
    names = ("at", "run", *whose, *figures, "")
    table = columns(*names, right=figures, fixed=("at", "run", ""))
    for run in used.runs[-RUNS_SHOWN_MAX:]:
        notes = [
            note
            for note, holds in (("rehearsal", run.rehearsal), ("corrected", run.corrected))
            if holds
        ]
        table.add_row(
            f"{run.at.astimezone(zone):%Y-%m-%d %H:%M}",
            run.run_id,
            *([run.department or ""] if whose else []),
            f"{run.injectors:,}",
            f"{run.li_minutes:,}",
            format_usd(run.usd_micros) if run.usd_micros else "",
            ", ".join(notes),
        )
    return table
