"""Charts in the terminal: areas, bars and lines of characters between two axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from plotille import Canvas

Point = tuple[float, float]
Tick = tuple[float, str]
"""A value on an axis, and what is written there."""

_DOTS_ACROSS, _DOTS_DOWN = 2, 4
"""Of one character, in braille."""

_NO_DOT = "\u2800"


class Chart:
    """A field of characters from 0 to ``x_max`` and from 0 to ``y_max``.

    Args:
        columns: Characters across for the whole chart, its labels included.
        rows: Characters down, without the line of the axis and its labels.
        x_max: Where the field ends to the right; above 0.
        y_ticks: On the vertical axis; the last is where the field ends, above 0.
    """

    def __init__(self, columns: int, rows: int, x_max: float, y_ticks: Sequence[Tick]) -> None:
        self._x_max = x_max
        self._y_ticks = y_ticks
        self._gutter = max(len(label) for _, label in y_ticks)
        self._columns = max(1, columns - self._gutter - 1)
        self._rows = rows
        # In dots, so that nothing is rounded twice.
        self._right, self._top = self._columns * _DOTS_ACROSS, rows * _DOTS_DOWN
        self._canvas = Canvas(self._columns, rows, 0, 0, self._right, self._top)

    def area(self, points: Sequence[Point]) -> None:
        """All that lies below a line; at a jump its later level counts."""
        for x, y in self._levels(points):
            self._canvas.line(x, 0, x, y)

    def bars(self, levels: Sequence[float]) -> None:
        """One after the other from 1 on, each around its number and with a gap to the next."""
        for number, level in enumerate(levels, start=1):
            if level > 0:
                left, right = self._across(number - 0.4), self._across(number + 0.4)
                for x in range(left, max(left, right - 1) + 1):
                    self._canvas.line(x, 0, x, self._up(level))

    def line(self, points: Sequence[Point], letter: str) -> None:
        """A line through the points, made of its letter."""
        dots = [(self._across(x), self._up(y)) for x, y in points]
        for (x0, y0), (x1, y1) in pairwise(dots):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                part = step / steps
                x, y = round(x0 + (x1 - x0) * part), round(y0 + (y1 - y0) * part)
                self._canvas.point(x, y, marker=letter)

    def drawn(self, x_ticks: Sequence[Tick]) -> str:
        """The chart with its axes, as lines of text."""
        labels = {self._row_of(level): label for level, label in self._y_ticks}
        # Cells without a dot are spaces: some fonts draw the dots that braille does not raise.
        field = self._canvas.plot(linesep="\n").replace(_NO_DOT, " ").split("\n")
        lines = [
            f"{labels.get(row, ''):>{self._gutter}}{'┤' if row in labels else '│'}{cells}".rstrip()
            for row, cells in enumerate(field)
        ]
        return "\n".join([*lines, *self._axis(x_ticks)])

    def _axis(self, ticks: Sequence[Tick]) -> Iterator[str]:
        """The horizontal axis, and below it as many of its labels as do not touch."""
        line, below = ["─"] * self._columns, [" "] * self._columns
        free_from = 0
        for x, label in ticks:
            column = min(self._across(x) // _DOTS_ACROSS, self._columns - 1)
            start = max(0, min(column - len(label) // 2, self._columns - len(label)))
            if start < free_from or len(label) > self._columns:
                continue
            line[column] = "┬"
            below[start : start + len(label)] = label
            free_from = start + len(label) + 1
        indent = " " * self._gutter
        yield f"{indent}└{''.join(line)}"
        yield f"{indent} {''.join(below)}".rstrip()

    def _levels(self, points: Sequence[Point]) -> Iterator[tuple[int, int]]:
        """The level in every column of dots that the line crosses."""
        for (x0, y0), (x1, y1) in pairwise(points):
            first, last = self._across(x0), self._across(x1)
            for x in range(first, last + 1):
                part = (x - first) / (last - first) if last > first else 1.0
                yield x, self._up(y0 + (y1 - y0) * part)

    def _row_of(self, level: float) -> int:
        return self._rows - 1 - self._up(level) // _DOTS_DOWN

    def _across(self, x: float) -> int:
        return round(x / self._x_max * (self._right - 1))

    def _up(self, y: float) -> int:
        return round(y / self._y_ticks[-1][0] * (self._top - 1))
