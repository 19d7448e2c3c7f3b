"""Curves over a common axis: one value, drawn in the terminal here, into files elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from loadmuster.cli.chart import Chart
from loadmuster.cli.layout import INDENT, section

HEIGHT_ROWS = 12
WIDTH_COLUMNS_MAX = 90

_TICKS = 4


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
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[CurveLine, ...]
    marks: tuple[Mark, ...] = ()
    here: float | None = None
    here_text: str = ""

    @property
    def x_most(self) -> float:
        """The right end."""
        return max(x for line in self.lines for x, _ in line.points)

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
    marks = [round(curves.x_most * part / _TICKS) for part in range(_TICKS + 1)]
    drawn = chart.drawn([(mark, f"{mark:,}") for mark in marks])
    letters = zip(ascii_lowercase, curves.lines, strict=False)
    names = "  ".join(f"{letter} {line.name}" for letter, line in letters)
    return Text.assemble((drawn, "cyan"), "\n", (names, "dim"))


def show_curves(console: Console, curves: Curves) -> None:
    """The curves under their title, and what is marked on them."""
    section(
        console,
        f"{curves.title}: {curves.y_label} by {curves.x_label}",
        draw(curves, console.width - INDENT),
    )
    if curves.marks:
        section(console, "Marked", *[f"{mark.line}: {mark.text}" for mark in curves.marks])


def amount(number: float) -> str:
    """A figure for an axis: cents where there are few dollars, else whole."""
    return f"{number:,.2f}" if 0 < number < _TICKS else f"{number:,.0f}"
