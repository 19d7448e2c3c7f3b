"""Curves over a common axis: one value, drawn in the terminal here, into files elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from string import ascii_lowercase

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from kernel.durations import format_duration
from loadmuster.cli.chart import Chart, ticks_s
from loadmuster.cli.layout import INDENT, section

HEIGHT_ROWS = 12
WIDTH_COLUMNS_MAX = 90

_TICKS = 4

STEP_PART = 0.1
"""Of the amount below it, and a hundredth of the highest: from there on a rise is a step."""


class CurveLine(Struct, frozen=True):
    """One curve: its name, and its points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


class Mark(Struct, frozen=True):
    """A point of a curve that is worth a word."""

    line: str
    x: float
    y: float
    text: str


class Curves(Struct, frozen=True):
    """Curves over a common axis.

    Attributes:
        title: For the file.
        x_label: What the axis to the right counts.
        y_label: What the axis upwards counts.
        lines: The curves.
        marks: Points of theirs to be pointed out, the most important first.
        here: Where on the axis to the right the question stands.
        here_text: What to write there.
        source: Where, when and whose the figures are: a line below the title.
        is_time: The axis to the right counts seconds, and is written in minutes and hours.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[CurveLine, ...]
    marks: tuple[Mark, ...] = ()
    here: float | None = None
    here_text: str = ""
    source: str = ""
    is_time: bool = False

    @property
    def x_most(self) -> float:
        """The right end."""
        return max(x for line in self.lines for x, _ in line.points)

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Round places on the axis to the right, few enough to read, and what they are called."""
        if self.is_time:
            return [(second, format_duration(second)) for second in ticks_s(self.x_most)]
        marks = (round(self.x_most * part / _TICKS) for part in range(_TICKS + 1))
        return [(mark, f"{mark:,}") for mark in marks]

    @property
    def y_most(self) -> float:
        """The upper end."""
        return max(y for line in self.lines for _, y in line.points)


def draw(curves: Curves, width_columns: int) -> Text:
    """A curve a letter, with the letters' meaning below."""
    peak = curves.y_most
    chart = Chart(
        min(width_columns, WIDTH_COLUMNS_MAX),
        HEIGHT_ROWS,
        curves.x_most,
        [(level, amount(level)) for level in (0.0, peak / 2, peak)],
    )
    for letter, line in zip(ascii_lowercase, curves.lines, strict=False):
        chart.line(line.points, letter)
    drawn = chart.drawn(curves.x_ticks)
    letters = zip(ascii_lowercase, curves.lines, strict=False)
    names = in_lines([f"{letter} {line.name}" for letter, line in letters], width_columns)
    return Text.assemble((drawn, "cyan"), "\n", (names, "dim"))


def in_lines(words: Sequence[str], width_columns: int) -> str:
    """Side by side as far as there is room, and on further lines; none is broken in two.

    One that is wider than the line is cut.
    """
    lines: list[str] = []
    for word in words:
        whole = word if len(word) <= width_columns else f"{word[: width_columns - 1]}…"
        if lines and len(lines[-1]) + 2 + len(whole) <= width_columns:
            lines[-1] += f"  {whole}"
        else:
            lines.append(whole)
    return "\n".join(lines)


def stepped(points: Sequence[tuple[float, float]], y_most: float) -> list[tuple[float, float]]:
    """The points of a line that counts whole things, with each of its steps upright.

    From one number to the next the amount jumps; what is drawn aslant there would be read as an
    amount for a part of a user. Rises that cannot be told from a slope are left as they are.
    """
    drawn = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x1 - x0 <= 1 and abs(y1 - y0) > STEP_PART * max(y_most * STEP_PART, abs(y0)):
            drawn.append((x1, y0))
        drawn.append((x1, y1))
    return drawn


def show_curves(console: Console, curves: Curves) -> None:
    """The curves under their title, and what is marked on them."""
    section(
        console,
        f"{curves.title}: {curves.y_label} by {curves.x_label}",
        *([Text(curves.source, "dim")] if curves.source else []),
        draw(curves, console.width - INDENT),
    )
    if curves.marks:
        section(console, "Marked", *[f"{mark.line}: {mark.text}" for mark in curves.marks])


def amount(number: float) -> str:
    """A figure for an axis: cents where there are few dollars, else whole."""
    return f"{number:,.2f}" if 0 < number < _TICKS else f"{number:,.0f}"
