"""One look for everything that is printed for people: bold headings, indented plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadmuster.cli.fitting import FittingTable
from pricing.money import MICROS_PER_USD

INDENT = 2


def section(console: Console, heading: str, *content: RenderableType) -> None:
    """A heading and what stands under it, with an empty line before."""
    console.print()
    console.print(Text(heading, "bold"))
    for each in content:
        if console.soft_wrap and isinstance(each, str | Text):
            # A padded line has the console's width at most, and loses what is longer.
            text = console.render_str(each) if isinstance(each, str) else each
            for line in text.split("\n"):
                console.print(Text.assemble(" " * INDENT, line))
        else:
            console.print(Padding(each, (0, 0, 0, INDENT), expand=False))


def columns(*names: str, right: Sequence[str] = (), fixed: Sequence[str] = ()) -> Table:
    """A table with headings.

    Args:
        names: Of the columns, in order.
        right: Those that hold figures.
        fixed: Those that are never wrapped, such as ids.
    """
    table = FittingTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in names:
        if name in right:
            table.add_column(name, justify="right", no_wrap=True)
        else:
            table.add_column(name, no_wrap=name in fixed)
    return table


def facts(*rows: tuple[str, RenderableType]) -> Table:
    """Names beside their values."""
    table = FittingTable.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def dollars(usd_micros: int, decimals: int = 2) -> str:
    """``1,234.50``."""
    return f"{Decimal(usd_micros) / MICROS_PER_USD:,.{decimals}f}"
