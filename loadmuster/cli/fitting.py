"""Tables that fit: where a row has no room beside itself, its cells stand below each other.

Rich takes letters away from cells when a table is wider than the terminal, and a price without its
last digits is another price. Here every column keeps the width of its longest word, or of its
longest cell where it is not to be wrapped; a table whose columns need more than there is becomes a
list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.style import StyleType
from rich.table import Column, Table
from rich.text import Text

from kernel.visible import visible

UNBOUND = 1_000_000
"""Columns of a terminal on which nothing has to be wrapped."""


HANGING = "    "


class Need(NamedTuple):
    """How wide a column has to be, and how wide it is with nothing wrapped."""

    least: int
    most: int


class FittingTable(Table):
    """A table that takes no letter away from any cell.

    A cell that is a string has one line, whatever texts of others are in it: line breaks in it are
    shown as such, and forge no row. What has several lines is given as ``Text``.
    """

    def add_row(
        self,
        *cells: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """Add a row; arguments as rich's own."""
        one_line = (visible(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*one_line, style=style, end_section=end_section)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needs = self._needs(console, options)
        room = options.max_width - self._around(console, options, needs)
        if sum(each.least for each in needs) > room:
            yield from self._listed(console, options.max_width)
            return
        fitted = copy(self)
        fitted.columns = [copy(each) for each in self.columns]
        for column, width in zip(fitted.columns, _widths(needs, room), strict=True):
            column.width = width
        yield from Table.__rich_console__(fitted, console, options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        needs = self._needs(console, options)
        around = self._around(console, options, needs)
        least, most = (sum(column) + around for column in zip(*needs, strict=True))
        if least > options.max_width:
            most = options.max_width
        return Measurement(least, most).with_maximum(options.max_width)

    def _around(self, console: Console, options: ConsoleOptions, needs: Sequence[Need]) -> int:
        """Letters that stand beside the cells: borders and paddings."""
        whole = Table.__rich_measure__(self, console, options.update_width(UNBOUND))
        return whole.maximum - sum(each.most for each in needs)

    def _needs(self, console: Console, options: ConsoleOptions) -> Sequence[Need]:
        unbound = options.update_width(UNBOUND)
        return [self._need(console, unbound, column) for column in self.columns]

    def _need(self, console: Console, options: ConsoleOptions, column: Column) -> Need:
        cells = [
            *([column.header] if self.show_header else []),
            *column.cells,
            *([column.footer] if self.show_footer else []),
        ]
        measured = [Measurement.get(console, options, cell) for cell in cells]
        most = max((each.maximum for each in measured), default=1)
        least = max((each.minimum for each in measured), default=1)
        return Need(most if column.no_wrap else least, most)

    def _listed(self, console: Console, width: int) -> Iterator[RenderableType]:
        """Each row with its cells below each other, named by their columns."""
        if self.title:
            yield Text.styled(_as_text(console, self.title).plain, "italic")
        names = [_as_text(console, column.header).plain for column in self.columns]
        if not self.show_header:
            names = [""] * len(names)
        rows = list(zip(*(column.cells for column in self.columns), strict=True))
        if self.show_footer:
            rows.append(tuple(column.footer for column in self.columns))
        for row in rows:
            indent = ""
            for name, cell in zip(names, row, strict=True):
                label = (f"{indent}{name}: " if name else indent, "dim")
                if not isinstance(cell, str | Text):
                    yield from (Text.assemble(label), Padding(cell, (0, 0, 0, len(indent) * 2)))
                    continue
                text = _as_text(console, cell)
                if not text.plain.strip():
                    continue
                room = max(width - len(HANGING), 1)
                lines = Text.assemble(label, text).wrap(console, room, overflow="fold")
                yield lines[0]
                yield from (Text.assemble(HANGING, line) for line in lines[1:])
                indent = "  "


def _widths(needs: Sequence[Need], room: int) -> Sequence[int]:
    """What each column gets: what it needs, and of what is left each as much as it can use."""
    widths = [each.least for each in needs]
    left = room - sum(widths)
    wanting = [index for index, each in enumerate(needs) if each.most > each.least]
    while left > 0 and wanting:
        share = max(1, left // len(wanting))
        for index in wanting:
            more = min(share, left, needs[index].most - widths[index])
            widths[index] += more
            left -= more
        wanting = [index for index in wanting if widths[index] < needs[index].most]
    return widths


def _as_text(console: Console, cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else console.render_str(str(cell))
