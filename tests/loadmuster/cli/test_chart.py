"""Charts of characters: what they show fits, and stands where its axis says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadmuster.cli.chart import Chart

FULL = "█"
LEVELS = [(0, "0"), (500, "500"), (1_000, "1,000")]


def test_an_area_is_full_below_its_line_and_empty_above() -> None:
    chart = Chart(46, 4, 100, LEVELS)
    chart.area([(0, 1_000), (50, 1_000), (50, 0), (100, 0)])
    rows = chart.drawn([]).splitlines()[:4]
    fields = [row.split("┤")[-1].split("│")[-1] for row in rows]
    assert all(field[:19] == FULL * 19 for field in fields)
    assert all(FULL not in field[21:] for field in fields)


def test_a_bar_is_as_high_as_its_level() -> None:
    chart = Chart(46, 4, 3, LEVELS)
    chart.bars([500, 1_000])
    rows = chart.drawn([]).splitlines()[:4]
    at_one, at_two = 6 + 40 // 3, 6 + 2 * 40 // 3
    assert [row[at_one] == FULL for row in rows] == [False, False, True, True]
    assert [row[at_two] == FULL for row in rows] == [True] * 4


def test_lines_are_made_of_their_letters() -> None:
    chart = Chart(46, 4, 10, LEVELS)
    chart.line([(0, 0), (10, 0)], "a")
    chart.line([(0, 1_000), (10, 1_000)], "b")
    top, *_, bottom = chart.drawn([]).splitlines()[:4]
    assert (top.count("b"), bottom.count("a")) == (40, 40)


@given(
    columns=st.integers(20, 120),
    values=st.lists(st.floats(0, 1_000), min_size=1, max_size=40),
    labels=st.lists(st.text("abc 0", min_size=1, max_size=9), min_size=1, max_size=20),
)
def test_nothing_is_wider_than_it_may_be(
    columns: int, values: list[float], labels: list[str]
) -> None:
    chart = Chart(columns, 5, len(values) + 1, LEVELS)
    chart.bars(values)
    step = (len(values) + 1) / len(labels)
    drawn = chart.drawn([(number * step, label) for number, label in enumerate(labels)])
    assert all(len(line) <= columns for line in drawn.splitlines())


@given(st.lists(st.floats(0, 100), min_size=2, max_size=30).map(sorted))
def test_labels_never_touch(places: list[float]) -> None:
    drawn = Chart(60, 3, 100, LEVELS).drawn([(place, "label") for place in places])
    assert set(drawn.splitlines()[-1].split()) == {"label"}
