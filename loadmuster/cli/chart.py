"""Charts in the terminal: areas, bars and lines of characters between two axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

Point = tuple[float, float]
Tick = tuple[float, str]
"""A value on an axis, and what is written there."""

_EIGHTHS = " ▁▂▃▄▅▆▇█"
"""Characters that are filled from below, by how many eighths."""

_FULL = len(_EIGHTHS) - 1
_BAR_WIDTH = 0.8
"""Of the room that a bar has."""

TICKS_MAX = 7

_STEPS_S = tuple(
    unit_s * count
    for unit_s, counts in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3_600, (1, 2, 3, 6, 12)),
        (86_400, (1, 2, 7, 30, 90)),
    )
    for count in counts
)


def ticks_s(duration_s: float) -> list[int]:
    """Round seconds for an axis of time, few enough to read."""
    step_s = next((step for step in _STEPS_S if duration_s / step < TICKS_MAX), _STEPS_S[-1])
    return list(range(0, int(duration_s) + 1, step_s))


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
        self._field = [[" "] * self._columns for _ in range(rows)]

    def area(self, points: Sequence[Point]) -> None:
        """All that lies below a line; at a jump its later level counts."""
        for (x0, y0), (x1, y1) in pairwise(points):
            first, last = self._column(x0), self._column(x1)
            for column in range(first, last + 1):
                part = (column - first) / (last - first) if last > first else 1.0
                self._fill(column, y0 + (y1 - y0) * part)

    def bars(self, levels: Sequence[float]) -> None:
        """One after the other from 1 on, each around its number and with a gap to the next."""
        for number, level in enumerate(levels, start=1):
            left = self._column(number - _BAR_WIDTH / 2)
            right = self._column(number + _BAR_WIDTH / 2)
            for column in range(left, max(left + 1, right)):
                self._fill(column, level)

    def line(self, points: Sequence[Point], letter: str) -> None:
        """A line through the points, made of its letter."""
        cells = [(self._column(x), self._row(y)) for x, y in points]
        for (x0, y0), (x1, y1) in pairwise(cells):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(steps + 1):
                part = step / steps
                column, row = round(x0 + (x1 - x0) * part), round(y0 + (y1 - y0) * part)
                self._field[row][column] = letter

    def drawn(self, x_ticks: Sequence[Tick]) -> str:
        """The chart with its axes, as lines of text."""
        labels = {self._row(level): label for level, label in self._y_ticks}
        lines = [
            f"{labels.get(row, ''):>{self._gutter}}{'┤' if row in labels else '│'}{''.join(cells)}"
            for row, cells in enumerate(self._field)
        ]
        return "\n".join([*(line.rstrip() for line in lines), *self._axis(x_ticks)])

    def _axis(self, ticks: Sequence[Tick]) -> Iterator[str]:
        """The horizontal axis, and below it as many of its labels as do not touch."""
        line, below = ["─"] * self._columns, [" "] * self._columns
        free_from = 0
        for x, label in ticks:
            column = self._column(x)
            start = max(0, min(column - len(label) // 2, self._columns - len(label)))
            if start < free_from or len(label) > self._columns:
                continue
            line[column] = "┬"
            below[start : start + len(label)] = label
            free_from = start + len(label) + 1
        indent = " " * self._gutter
        yield f"{indent}└{''.join(line)}"
        yield f"{indent} {''.join(below)}".rstrip()

    def _fill(self, column: int, level: float) -> None:
        """From the bottom up to a level."""
        eighths = round(level / self._y_ticks[-1][0] * self._rows * _FULL)
        for from_below, cells in enumerate(reversed(self._field)):
            cells[column] = _EIGHTHS[max(0, min(_FULL, eighths - from_below * _FULL))]

    def _column(self, x: float) -> int:
        return min(round(x / self._x_max * (self._columns - 1)), self._columns - 1)

    def _row(self, level: float) -> int:
        above = round(level / self._y_ticks[-1][0] * (self._rows - 1))
        return self._rows - 1 - above
