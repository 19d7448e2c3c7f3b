"""Pictures and curves in the terminal: nothing is printed over, cut, or drawn as it is not."""

from __future__ import annotations

import io
import re
from datetime import date
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from msgspec.structs import replace
from rich.console import Console

from engine.planning.cost_curves import cost_curves
from engine.planning.estimate import estimate
from engine.planning.load_curves import load_curves
from engine.planning.staged import stage
from engine.readers import read_scenario
from engine.scenario import RegionShare
from engine.scenario.profile import closed
from loadmuster.cli.cost_chart import cost_chart
from loadmuster.cli.curves import CurveLine, Curves, Mark, in_lines, show_curves, stepped
from loadmuster.cli.curves_file import write_picture
from loadmuster.cli.staged_view import load_chart
from pricing.catalog import Catalog

CHECKOUT = read_scenario(str(Path(__file__).parents[3] / "examples" / "checkout.yaml"))
AT = date(2026, 11, 21)
WIDER = 1.06
"""A reader's font may be that much wider than the one that was measured with."""

NAMES = st.text("abcdefghijklm -", min_size=1, max_size=40).map(lambda name: f"x{name.strip()}")


COSTS, LOADS = (7, 1_000, 100_000), (90, 5_400, 200_000)
CHARTS = (
    *(f"{users} users" for users in COSTS),
    *(f"{duration_s} s" for duration_s in LOADS),
    "two regions",
    "much to say",
)


@cache
def chart_of(name: str) -> Curves:
    number, _, unit = name.partition(" ")
    match unit:
        case "users":
            scenario = replace(CHECKOUT, profile=closed([(0, 0), (600, int(number))]))
            return cost_chart(scenario, cost_curves(scenario, at=AT))
        case "s":
            long = replace(CHECKOUT, profile=closed([(0, 0), (int(number), 900)]))
            staged = stage(planned := estimate(long, at=AT), catalog=Catalog.bundled(), at=AT)
            return load_chart(load_curves(planned, staged))
        case "regions":
            shares = (RegionShare("eu-west-1", 0.5), RegionShare("us-west-2", 0.5))
            far = replace(CHECKOUT, regions=shares)
            return cost_chart(far, cost_curves(far, ["own-aws", "starter"], at=AT))
    same = tuple(CurveLine(f"plan {n}", [(0.0, 0.0), (100.0, 10.0)]) for n in range(12))
    marks = tuple(Mark(line.name, 50.0, 5.0, "a mark of many words " * 7) for line in same)
    words = "machines in a region at list prices of a day; " * 4
    return Curves("a title " * 20, "users", "USD a run", same, marks, 100.0, "100 users", words)


class Printed(NamedTuple):
    """A text of a picture, and the room that it takes: left, top, right, bottom."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def is_over(self, other: Printed) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def printed(svg: Path) -> tuple[float, float, list[Printed]]:
    """Width and height of a picture, and all its texts, each line by itself."""
    root = ET.parse(svg).getroot()  # noqa: S314 - we have just written it
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = []
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        style, text = element.attrib["style"], element.text or ""
        (size,) = map(float, re.findall(r"font-size: ([\d.]+)px", style))
        weight = "bold" if "font-weight: 700" in style else "normal"
        font = FontProperties(family="DejaVu Sans", weight=weight, size=size)
        long = WIDER * TextPath((0, 0), text, prop=font).get_extents().width
        moved = re.search(r"translate\((\S+) (\S+)\)", element.attrib["transform"])
        places = (element.get("x"), element.get("y")) if moved is None else moved.groups()
        x, y = (float(place or "nan") for place in places)
        anchored = re.search(r"text-anchor: (\w+)", style)
        anchor = "start" if anchored is None else anchored[1]
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * long
        if "rotate(-90" in element.attrib["transform"]:
            found.append(Printed(text, x - 0.76 * size, y - long + before, x, y + before))
        else:
            found.append(Printed(text, x - before, y - 0.76 * size, x - before + long, y + 1))
    return width, height, found


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_is_printed_over_another_or_cut(name: str, tmp_path: Path) -> None:
    picture = tmp_path / "chart.svg"
    write_picture(chart_of(name), picture)
    width, height, texts = printed(picture)
    assert len(texts) > 5
    for one, other in combinations(texts, 2):
        assert not one.is_over(other), (one, other)
    for each in texts:
        assert each.left >= 0, each
        assert each.right <= width * WIDER, each
        assert each.top >= -1, each
        assert each.bottom <= height + 1, each


def test_a_cost_curve_says_region_date_and_source(tmp_path: Path) -> None:
    curves = cost_curves(CHECKOUT, ["own-aws", "starter"], at=AT)
    chart = cost_chart(CHECKOUT, curves)
    assert chart.source == (
        f"machines in us-east-1 at list prices of {curves[0].as_of}; "
        f"plans and services at tariffs of {curves[1].as_of}"
    )
    picture = tmp_path / "cost.svg"
    write_picture(chart, picture)
    assert "machines in us-east-1 at list prices of" in picture.read_text(encoding="utf-8")


def test_machines_step_where_one_user_takes_another() -> None:
    (curve,) = cost_curves(CHECKOUT, ["own-aws"], at=AT)
    levels = dict(curve.points)
    assert levels[441] > levels[440] * 1.1
    drawn = stepped([(float(x), float(y)) for x, y in curve.points], float(curve.points[-1][1]))
    assert (441.0, float(levels[440])) in drawn


@given(st.lists(st.floats(0, 1_000), min_size=2, max_size=40))
def test_steps_are_drawn_upright_and_keep_every_point(levels: list[float]) -> None:
    points = [(float(x), level) for x, level in enumerate(levels)]
    drawn = stepped(points, max(levels))
    assert [each for each in drawn if each in points] == points
    for (x0, y0), (x1, y1) in pairwise(drawn):
        if abs(y1 - y0) > 0.1 * max(*levels, y0):
            assert x0 == x1


@pytest.mark.parametrize(
    ("duration_s", "names"),
    [
        (90, ["0s", "15s", "30s", "45s", "1m", "1m15s", "1m30s"]),
        (5_400, ["0s", "15m", "30m", "45m", "1h", "1h15m", "1h30m"]),
        (200_000, ["0s", "12h", "1d", "1d12h", "2d"]),
    ],
)
def test_a_tests_axis_counts_minutes_and_hours(duration_s: int, names: list[str]) -> None:
    chart = chart_of(f"{duration_s} s")
    assert chart.x_label == "time"
    assert [name for _, name in chart.x_ticks] == names


@pytest.mark.parametrize("width", [40, 47, 60, 80, 119, 200])
@pytest.mark.parametrize("name", CHARTS)
def test_a_terminal_of_any_width_shows_every_curve_and_no_line_is_wider(
    name: str, width: int
) -> None:
    chart = chart_of(name)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    show_curves(console, chart)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= width
    for line in chart.lines:
        assert f" {line.name}" in text


@given(st.lists(NAMES, min_size=1, max_size=26, unique=True), st.integers(40, 200))
def test_names_below_a_chart_are_whole_or_cut_but_never_broken(
    names: list[str], width: int
) -> None:
    lines = in_lines(names, width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert "  ".join(lines).split("  ") == "  ".join(names).split("  ") or any(
        len(name) > width for name in names
    )
