"""Curves as a picture: SVG or PNG, by Matplotlib, which is loaded for nothing else."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel.disk import free_space
from kernel.errors import BadInputError
from kernel.extras import is_installed, not_installed
from loadmuster.cli.curves import Curves, Mark, stepped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png")

COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#000000",
    "#999999",
)
"""Told apart by colour-blind people too (Okabe and Ito)."""

MARKS_MAX = 6
WIDTH_INCHES, HEIGHT_INCHES, MARK_INCHES = 8.0, 4.4, 0.22
WIDEST_LINE, NARROWEST_LINE = 3.0, 1.4
"""Drawn over each other from wide to narrow, so that lines in the same place show all."""

PNG_DOTS_PER_INCH = 160
LOGARITHMIC_FROM = 40
"""Lines whose right ends are so many times apart would lie on the axis otherwise."""

LABEL_GAP = 0.055
"""Between two names at the right, in parts of the height."""

END_PART = 0.1
"""Of the width, at either side."""

LEADER_PART = 0.02
"""From the end of a line to its name, in parts of the width."""

NAME_LETTERS, TITLE_LETTERS, TITLE_LINES, SOURCE_LETTERS, MARK_LETTERS = 26, 58, 2, 104, 96
SOURCE_FONT, SOURCE_POINTS, HERE_POINTS, GAP_POINTS = 8.0, 10.5, 18.0, 4.0
SOFT = "#555555"

STYLE: Any = {
    "font.family": "sans-serif",  # in an SVG the names of several, for whoever lacks the first
    "font.size": 9.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "loadmuster",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


class PictureError(BadInputError):
    """A picture cannot be drawn or written; facts: ``file``."""

    code = "picture_not_written"


def check_can_write(path: Path) -> None:
    """See that a picture can be written there, before what it shows is computed at a cost.

    A file that is there stays as it is.

    Raises:
        PictureError: Another ending, no Matplotlib, no such folder, or no leave to write.
    """
    _check_format(path)
    if not is_installed("matplotlib"):
        raise PictureError(_no_matplotlib(), file=str(path))
    try:
        is_new = not path.exists()
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise PictureError(
            f"{path}: cannot be written: {error.strerror}", file=str(path)
        ) from error


def _check_format(path: Path) -> None:
    if path.suffix.lower() not in FORMATS:
        raise PictureError(
            f"{path}: a picture's name ends in {' or '.join(FORMATS)}", file=str(path)
        )


def _not_written(path: Path, error: OSError) -> PictureError:
    return PictureError(
        f"{path}: cannot be written: {error.strerror or error}{free_space(path, error)}",
        file=str(path),
    )


def _no_matplotlib() -> str:
    return not_installed("Matplotlib, which draws pictures,", "plots")


def write_picture(chart: Curves, path: Path) -> None:
    """Draw a chart into a file; the same chart makes the same SVG, byte for byte.

    Args:
        chart: What is drawn.
        path: Ends in ``.svg`` or ``.png``; an existing file is replaced.

    Raises:
        PictureError: Another ending, no Matplotlib, or the file cannot be written.
    """
    _check_format(path)
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise PictureError(_no_matplotlib(), file=str(path)) from error
    with mpl.rc_context(STYLE):
        figure = drawn_figure(chart)
        try:
            figure.savefig(
                path,
                dpi=PNG_DOTS_PER_INCH,
                metadata={"Date": None} if path.suffix.lower() == ".svg" else None,
            )
        except OSError as error:
            raise _not_written(path, error) from error


def drawn_figure(chart: Curves) -> Figure:
    """The chart, on white whatever shows it: its colours are told apart on that."""
    from matplotlib.figure import Figure

    marks = chart.marks[:MARKS_MAX]
    lines = sum(len(_said(mark)) for mark in marks)
    lines += len(textwrap.wrap(chart.source, SOURCE_LETTERS))
    figure = Figure(
        figsize=(WIDTH_INCHES, HEIGHT_INCHES + MARK_INCHES * lines),
        layout="constrained",
        facecolor="white",
    )
    axes = figure.add_subplot()
    colours = _draw(axes, chart)
    _mark(axes, marks, colours)
    if marks:
        figure.legend(loc="outside lower left", frameon=False, handletextpad=0.3)
    return figure


def _draw(axes: Axes, chart: Curves) -> dict[str, str]:
    """Everything but the marks; the colours of the lines by name."""
    is_logarithmic = _spread(chart) > LOGARITHMIC_FROM
    _title(axes, chart)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label + (", logarithmic" if is_logarithmic else ""))
    axes.set_xlim(0, chart.x_most)
    if is_logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(_lowest_shown(chart), chart.y_most * 1.6)
    else:
        axes.set_ylim(0, chart.y_most * 1.06)
    if chart.is_time:
        places, names = zip(*chart.x_ticks, strict=True)
        axes.set_xticks(places, names)
    else:
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    colours = {line.name: COLOURS[index % len(COLOURS)] for index, line in enumerate(chart.lines)}
    thinner = (WIDEST_LINE - NARROWEST_LINE) / max(1, len(chart.lines) - 1)
    for index, line in enumerate(chart.lines):
        points = line.points if chart.is_time else stepped(line.points, chart.y_most)
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, color=colours[line.name], linewidth=WIDEST_LINE - index * thinner)
    _say_where(axes, chart)
    _name_lines(axes, chart, colours)
    return colours


def _title(axes: Axes, chart: Curves) -> None:
    """The title, and below it where the figures are from, both as wide as the picture at most."""
    title = textwrap.wrap(chart.title, TITLE_LETTERS)[:TITLE_LINES]
    source = textwrap.wrap(chart.source, SOURCE_LETTERS)
    axes.set_title(
        "\n".join(title),
        loc="left",
        fontweight="bold",
        pad=HERE_POINTS + GAP_POINTS + SOURCE_POINTS * len(source),
    )
    axes.annotate(
        "\n".join(source),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, HERE_POINTS),
        textcoords="offset points",
        va="bottom",
        color=SOFT,
        fontsize=SOURCE_FONT,
        annotation_clip=False,
    )


def _say_where(axes: Axes, chart: Curves) -> None:
    """A dashed line where the question stands."""
    if chart.here is None or chart.here > chart.x_most:
        return
    part = chart.here / chart.x_most
    axes.axvline(chart.here, color="#666666", linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate(
        chart.here_text,
        (chart.here, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        # At either end it would stand over what is beside the axes.
        ha="right" if part > 1 - END_PART else "left" if part < END_PART else "center",
        color="#444444",
    )


def _name_lines(axes: Axes, chart: Curves, colours: dict[str, str]) -> None:
    """The names at the right ends of their lines, moved apart where they would overlap."""
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = {
        line.name: float(to_axes.transform((chart.x_most, line.points[-1][1]))[1])
        for line in chart.lines
    }
    for height, name in moved_apart([(height, name) for name, height in ends.items()]):
        # A name that had to make room is led back to the end of its line.
        axes.plot(
            [1, 1 + LEADER_PART],
            [ends[name], height],
            transform=axes.transAxes,
            color=colours[name],
            linewidth=0.8,
            clip_on=False,
        )
        axes.annotate(
            shortened(name),
            (1 + LEADER_PART, height),
            xycoords="axes fraction",
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=colours[name],
            annotation_clip=False,
        )


def shortened(name: str) -> str:
    """A name that leaves the lines their room."""
    return name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…"


def moved_apart(heights: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Names at heights between 0 and 1, from below, at least a gap apart.

    Names that would overlap become a stack around the middle of where they belong.
    """
    stacks: list[list[tuple[float, str]]] = []
    for each in sorted(heights):
        stacks.append([each])
        while len(stacks) > 1 and _bottom(stacks[-1]) < _bottom(stacks[-2]) + LABEL_GAP * len(
            stacks[-2]
        ):
            top = stacks.pop()
            stacks[-1].extend(top)
    return [
        (_bottom(stack) + LABEL_GAP * index, name)
        for stack in stacks
        for index, (_, name) in enumerate(stack)
    ]


def _bottom(stack: Sequence[tuple[float, str]]) -> float:
    """Where the lowest name of a stack goes, so that the stack stays inside."""
    height = LABEL_GAP * (len(stack) - 1)
    middle = sum(wanted for wanted, _ in stack) / len(stack)
    return max(0.0, min(middle - height / 2, 1 - height))


def _mark(axes: Axes, marks: Sequence[Mark], colours: dict[str, str]) -> None:
    """A dot at each mark, and what it says below the axes, where it hides no line."""
    for mark in marks:
        axes.plot(
            [mark.x],
            [mark.y],
            marker="o",
            markersize=6,
            linestyle="none",
            color=colours[mark.line],
            markeredgecolor="white",
            zorder=5,
            label="\n".join(_said(mark)),
        )


def _spread(chart: Curves) -> float:
    ends = [line.points[-1][1] for line in chart.lines]
    return max(ends) / min(ends) if min(ends) > 0 else 1.0


def _lowest_shown(chart: Curves) -> float:
    """A little below what the cheapest line has for a twentieth of the largest test."""
    lows = [y for line in chart.lines for x, y in line.points if x >= chart.x_most / 20 and y > 0]
    return min(lows) / 2


def _said(mark: Mark) -> list[str]:
    return textwrap.wrap(f"{mark.line}: {mark.text}", MARK_LETTERS)
