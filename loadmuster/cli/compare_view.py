"""How a comparison looks to people: one table, the cheaper neighbours, and what was assumed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.planning.cliffs import in_words
from engine.planning.compare import Comparison
from engine.planning.compared_row import Row
from engine.planning.requirement import planned_seconds
from kernel.durations import format_duration
from kernel.words import counted
from loadmuster.cli.layout import columns, dollars, section
from pricing.tariffs import Cliff, MonthlyPlan, plural

INDENT_COLUMNS = 4
WITH_TITLES_COLUMNS = 96


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Title, the rows with a price, those without, cheaper neighbours, and notes."""
    console.print(_title(comparison))
    priced = [row for row in comparison.rows if row.usd_micros is not None]
    unpriced = [row for row in comparison.rows if row.usd_micros is None]
    section(console, "What a run costs, cheapest first", _table(priced, console.width))
    if unpriced:
        section(console, "No price was found", _table(unpriced, console.width, has_price=False))
    users = comparison.estimate.load.peak_users
    if comparison.monthly_plans:
        table = _monthly_table(comparison.monthly_plans, users)
        section(console, "Sold by the month, not by the run", table)
    cheaper = list(_neighbours(comparison.rows, cheaper=True))
    if cheaper:
        section(console, "Slightly smaller, and cheaper", *_bullets(cheaper, console.width))
    dearer = list(_neighbours(comparison.rows, cheaper=False))
    if dearer:
        section(console, "Just below a step", *_bullets(dearer, console.width))
    notes = [f"{row.name}: {note}" for row in comparison.rows if (note := _note(row))]
    section(console, "Good to know", *_bullets(notes, console.width))
    sources = list(_sources(comparison))
    if sources:
        section(console, "Where services' prices are from", *_bullets(sources, console.width))


def _title(comparison: Comparison) -> Text:
    scenario, load = comparison.estimate.scenario, comparison.estimate.load
    return Text.assemble(
        (scenario.name, "bold cyan"),
        f"  {scenario.protocol.value}, up to {counted(load.peak_users, 'user')}"
        f" for {format_duration(planned_seconds(scenario))}",
    )


def _table(rows: Sequence[Row], width_columns: int, *, has_price: bool = True) -> Table:
    """One line a row; without the titles where there is little room."""
    has_title = width_columns >= WITH_TITLES_COLUMNS
    table = columns(
        "",
        *(("service",) if has_title else ()),
        *(("USD",) if has_price else ()),
        *("quantity", "unit", "injectors", "as of"),
        right=("USD", "injectors", "quantity"),
        fixed=("", "unit", "as of"),
    )
    for index, row in enumerate(rows):
        table.add_row(
            row.name if row.contract_rate is None else f"{row.name} (contract)",
            *((Text(row.title, "dim"),) if has_title else ()),
            *((Text(_usd(row), "bold" if index else "bold green"),) if has_price else ()),
            "-" if row.quantity is None else f"{row.quantity:,}",
            _unit(row),
            "" if row.engines is None else f"{row.engines:,}",
            Text(str(row.as_of), "dim"),
        )
    return table


def _monthly_table(plans: Sequence[MonthlyPlan], users: int) -> Table:
    table = columns(
        *("service", "plan", "USD a month", "users at once", "as of"),
        right=("USD a month", "users at once"),
        fixed=("as of",),
    )
    for each in plans:
        at_once = "not found" if each.users_max is None else f"{each.users_max:,}"
        if not each.carries(users):
            at_once += ", too few"
        table.add_row(
            each.service,
            each.plan,
            dollars(each.usd_micros_per_month),
            at_once,
            Text(str(each.price_from.as_of), "dim"),
        )
    return table


def _sources(comparison: Comparison) -> Iterator[str]:
    """Who says what each service costs; plans of one service that say the same share a line."""
    for row in comparison.rows:
        if row.price_from is not None:
            yield f"{row.name}: {row.price_from.in_words()}"
    for plan in comparison.monthly_plans:
        yield f"{plan.service} {plan.plan}: {plan.price_from.in_words()}"


def _usd(row: Row) -> str:
    assert row.usd_micros is not None, row.name
    return dollars(row.usd_micros)


def _unit(row: Row) -> str:
    return row.unit if row.quantity == 1 else plural(row.unit)


def _neighbours(rows: Sequence[Row], *, cheaper: bool) -> Iterator[str]:
    """The nearest neighbour of each row on one side; rows that say the same share a line."""
    names: dict[str, list[str]] = {}
    for row in rows:
        side: list[Cliff] = [each for each in row.cliffs if each.is_cheaper is cheaper]
        if side:
            names.setdefault(in_words(side[0]), []).append(row.name)
    for words, of in names.items():
        yield f"{', '.join(of)}: {words}"


def _note(row: Row) -> str | None:
    """What is worth a line: that no price was found stands above already."""
    return row.note if row.quantity is None else row.assumption


def _bullets(notes: Sequence[str], width_columns: int) -> Iterator[Text]:
    for note in notes:
        lines = textwrap.wrap(note, max(20, width_columns - INDENT_COLUMNS), break_on_hyphens=False)
        yield Text("- " + "\n  ".join(lines))
