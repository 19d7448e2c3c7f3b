"""What a sweep says: rows that were written, the first of them, or what is left of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from engine.sweeping.known_columns import HEADINGS, IN_DOLLARS, NUMBERS, WORDS, Kind
from kernel.durations import format_duration
from kernel.visible import visible
from kernel.words import counted
from loadmuster.cli.layout import columns, section
from loadmuster.documents.sweep import Rows, best_of, dollars, percentiles

if TYPE_CHECKING:
    from engine.sweeping.files import FileSweep
    from engine.sweeping.reduction import Reduced
    from engine.sweeping.spread import PartSwept

SHOWN_PROBLEMS = 5
SHOWN_REASONS = 2
WIDE_COLUMNS = 200

TEXTS = frozenset({*WORDS, "error"})


def show_file(console: Console, source: str, target: Path | None, done: FileSweep) -> None:
    """How many rows, what is wrong with some, and the first by the order if only those count."""
    said = f"{source}: {counted(done.rows, 'row')} estimated"
    if done.marked:
        said += f", {done.marked:,} of them marked as no load tests"
    if target is not None:
        said += f"; {counted(done.written, 'row')} in {target}"
    console.print(said)
    if done.problems:
        section(
            console,
            "Marked",
            *[
                visible(f"{each.column}, row {each.row}: {each.message}")
                for each in done.problems[:SHOWN_PROBLEMS]
            ],
        )
    if done.best is not None and target is None:
        section(console, "First", _table(console, done.best.to_pydict()))


def show_folder(console: Console, source: Path, target: Path, parts: Sequence[PartSwept]) -> None:
    """How many rows in how many partitions, and what is wrong with some."""
    rows, marked = sum(each.rows for each in parts), sum(each.marked for each in parts)
    said = f"{source}: {counted(rows, 'row')} in {counted(len(parts), 'file')} estimated"
    if marked:
        said += f", {marked:,} of them marked as no load tests"
    console.print(f"{said}; they are in {target}")
    problems = [
        visible(f"{part.name}: {each.column}, row {each.row}: {each.message}")
        for part in parts
        for each in part.problems
    ]
    if problems:
        section(console, "Marked", *problems[:SHOWN_PROBLEMS])


def show_grid(console: Console, reduced: Reduced, took_s: float) -> None:
    """How many what-ifs, how their costs are spread, and the cheapest."""
    console.print(
        f"{counted(reduced.what_ifs, 'what-if')} in {took_s:.1f} s"
        + (f", {reduced.left_out:,} of them left out" if reduced.left_out else "")
    )
    show_reasons(console, reduced.reasons)
    spread = columns(
        *(said for said, _ in percentiles(reduced.tally)),
        right=[said for said, _ in percentiles(reduced.tally)],
    )
    spread.add_row(*(dollars(reduced.measure, amount) for _, amount in percentiles(reduced.tally)))
    section(console, HEADINGS[reduced.measure], spread)
    best = best_of(reduced)
    if best["users"]:
        section(console, "Cheapest", _table(console, best))


def show_reasons(console: Console, reasons: Sequence[str]) -> None:
    """Why what-ifs are left out, if any are."""
    if reasons:
        more = len(reasons) - SHOWN_REASONS
        said = [*reasons[:SHOWN_REASONS], *([f"and {more:,} more"] if more > 0 else [])]
        section(console, "Left out", *said)


def _table(console: Console, rows: Rows) -> Table:
    if console.soft_wrap:
        # Into a file or a pipe a row goes whole.
        console.width = max(console.width, WIDE_COLUMNS)
    shown = [name for name in rows if any(each is not None for each in rows[name])]
    headings = [HEADINGS.get(name, name) for name in shown]
    table = columns(
        *headings,
        right=[heading for name, heading in zip(shown, headings, strict=True) if name not in TEXTS],
        fixed=headings,
    )
    for values in zip(*(rows[name] for name in shown), strict=True):
        table.add_row(*(_cell(name, value) for name, value in zip(shown, values, strict=True)))
    return table


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - of any column
    if value is None:
        return ""
    if name in IN_DOLLARS:
        return dollars(name, value)
    if name in NUMBERS and NUMBERS[name].kind is Kind.SECONDS:
        return format_duration(int(value))
    return f"{value:,}" if isinstance(value, int) else str(value)
