"""``plot``: cost against users with its cliffs, the plans' break-even, as curves and pictures."""

from __future__ import annotations

import json
import sys
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.compare import compare
from engine.planning.cost_curves import CostCurve, CostStep, NotDrawnError, cost_curves
from engine.readers import read_scenario
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import OpenProfile, closed
from loadmuster.cli.cost_chart import cost_chart
from loadmuster.cli.curves import CurveLine, Curves, Mark, draw
from loadmuster.cli.curves_file import LABEL_GAP, PictureError, moved_apart, write_picture
from pricing.catalog import Catalog
from pricing.tariffs import LoadSize, load_tariff, price
from tests.command_line import Command, here

TODAY = date(2026, 11, 22)


@pytest.fixture
def at_the_cliff() -> Scenario:
    """50,001 users for 3 minutes: one above LoadView's 100 injectors."""
    return Scenario("edge", Protocol.HTTP, closed([(0, 50_001), (180, 50_001)]))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Command a command in this process."""
    return here(capsys, "--now", "2026-11-22", "--db", f"sqlite:///{tmp_path / 'b.db'}")


def curve(
    scenario: Scenario, name: str, catalog: Catalog, users_most: int | None = None
) -> CostCurve:
    (only,) = cost_curves(scenario, [name], users_most=users_most, catalog=catalog, at=TODAY)
    return only


def test_loadview_s_cliff_is_found_to_the_user(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    drawn = curve(at_the_cliff, "loadview", small_catalog)
    assert drawn.unit == "LI-minute"
    assert drawn.steps == (CostStep(50_000, Fraction(500), Fraction(1_515)),)
    points = dict(drawn.points)
    assert points[50_000] == Fraction(500)
    assert points[50_001] == Fraction(1_515)
    assert max(points) == 2 * 50_001


def test_a_curve_is_the_tariff_s_own_price_everywhere(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    tariff = load_tariff("tencent-pts")
    drawn = curve(at_the_cliff, "tencent-pts", small_catalog, users_most=3_000)
    assert drawn.unit == "USD"
    for users, amount in drawn.points:
        charge = price(tariff, LoadSize(None, users, 180)).usd_micros
        assert charge is not None
        assert amount == Fraction(charge, 1_000_000)
    assert {step.users for step in drawn.steps} == {500, 1_000, 1_500, 2_000}
    assert all(drawn.steps[0].high - drawn.steps[0].low >= s.high - s.low for s in drawn.steps)


def test_without_names_all_that_have_a_price_are_drawn(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    few = replace(at_the_cliff, profile=closed([(0, 600), (180, 600)]))
    curves = cost_curves(few, catalog=small_catalog, at=TODAY)
    compared = compare(few, catalog=small_catalog, at=TODAY)
    priced = {row.name: row for row in compared.rows if row.usd_micros is not None}
    assert {each.name for each in curves} == set(priced)
    assert {each.unit for each in curves} == {"USD"}
    for each in curves:
        amounts = [amount for _, amount in each.points]
        assert each.points[0][0] == 1
        assert each.points[-1][0] == 1_200
        if each.name not in {"own-aws", "own-azure", "redline13"}:
            assert amounts == sorted(amounts), each.name


def test_an_open_model_and_fixed_injectors_can_be_drawn(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    fixed = replace(at_the_cliff, profile=closed([(0, 1_000), (60, 1_000)]), injectors=4)
    assert dict(curve(fixed, "on-demand", small_catalog).points)[1_000] == Fraction(5)
    shape = closed([(0, 5), (60, 5)]).users
    arriving = replace(
        at_the_cliff, profile=OpenProfile(arrivals_per_s=shape, iteration_s=100, max_users=None)
    )
    assert curve(arriving, "on-demand", small_catalog).points[-1][0] == 1_000


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["loadvue"], "no plan or tariff 'loadvue'"),
        (["loadview", "mabl"], "counts in LI-minute|counts in VUH"),
        (["on-demand", "mabl"], "mabl has no price that was found, and counts in VUH"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(
    names: list[str], problem: str, at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    with pytest.raises(NotDrawnError, match=problem):
        cost_curves(at_the_cliff, names, catalog=small_catalog, at=TODAY)


def test_a_service_that_cannot_count_the_protocol_is_refused(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    browsers = replace(at_the_cliff, protocol=Protocol.BROWSER, profile=closed([(0, 20), (60, 20)]))
    with pytest.raises(NotDrawnError, match=r"tencent-pts cannot be drawn: .*browser users"):
        cost_curves(browsers, ["tencent-pts"], catalog=small_catalog, at=TODAY)
    with pytest.raises(NotDrawnError, match="own-aws cannot be drawn"):
        cost_curves(browsers, ["own-aws"], provider="azure", catalog=small_catalog, at=TODAY)


def test_the_terminal_draws_a_letter_a_curve(
    at_the_cliff: Scenario, small_catalog: Catalog
) -> None:
    curves = cost_curves(at_the_cliff, ["loadview", "starter"], catalog=small_catalog, at=TODAY)
    chart = cost_chart(at_the_cliff, curves)
    text = draw(chart, 80).plain
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.splitlines()[-1] == "a loadview  b starter"
    assert "3,015┤" in text
    assert chart.marks[0].text == "50,000 to 50,001 users, 500 to 1,515 LI-minutes"


def picture() -> Curves:
    return Curves(
        title="a title",
        x_label="users",
        y_label="USD a run",
        lines=(CurveLine("one", [(0, 0), (10, 5)]), CurveLine("two", [(0, 0.01), (10, 0.02)])),
        marks=(Mark("one", 5, 2.5, "a mark"),),
        here=5,
        here_text="5 users",
    )


def test_an_svg_holds_every_word_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    write_picture(picture(), first)
    write_picture(picture(), second)
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text(encoding="utf-8")
    for words in (
        "a title",
        "users",
        "USD a run, logarithmic",
        "one",
        "two",
        "one: a mark",
        "5 users",
    ):
        assert f">{words}</text>" in text, words


def test_a_png_is_a_png(tmp_path: Path) -> None:
    path = tmp_path / "cost.PNG"
    write_picture(picture(), path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (1_280, 739)


def test_a_picture_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PictureError, match=r"ends in \.svg or \.png"):
        write_picture(picture(), tmp_path / "cost.gif")
    with pytest.raises(PictureError, match="cannot be written: No such file"):
        write_picture(picture(), tmp_path / "nowhere" / "cost.svg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PictureError, match=r"pip install 'loadmuster\[plots\]'"):
        write_picture(picture(), tmp_path / "cost.svg")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_names_at_the_right_never_overlap_and_stay_in_order(heights: list[float]) -> None:
    named = [(height, f"{index:02d}") for index, height in enumerate(heights)]
    moved = moved_apart(named)
    assert [name for _, name in moved] == [name for _, name in sorted(named)]
    for (lower, _), (upper, _) in pairwise(moved):
        assert upper - lower >= LABEL_GAP - 1e-9
    assert all(-1e-9 <= height <= 1 + 1e-9 for height, _ in moved)


def test_names_that_have_room_stay_where_their_lines_end() -> None:
    assert moved_apart([(0.9, "a"), (0.1, "b"), (0.5, "c")]) == [(0.1, "b"), (0.5, "c"), (0.9, "a")]


def test_plot_cost_draws_in_the_terminal_and_into_a_file(
    example: Path, tmp_path: Path, run: Command
) -> None:
    code, out, err = run("plot", "cost", example, "--tariff", "tencent-pts", "--users-to", "1200")
    assert (code, err) == (0, "")
    assert "checkout: 10m of http load: USD a run by users" in out
    assert "tencent-pts: 500 to 501 users, 4.00 to 8.00 USD" in out
    file = tmp_path / "cost.svg"
    code, out, _ = run("plot", "cost", example, "--tariff", "tencent-pts", "--out", file)
    assert (code, out) == (0, f"drawn into {file}\n")
    assert "tencent-pts: 500 to 501 users, 4.00 to 8.00 USD" in file.read_text(encoding="utf-8")


def test_plot_cost_gives_the_figures_as_json(example: Path, run: Command) -> None:
    code, out, _ = run("--json", "plot", "cost", example, "--tariff", "tencent-pts")
    document: dict[str, Any] = json.loads(out)
    assert code == 0
    (only,) = document["curves"]
    assert (only["tariff"], only["unit"], document["file"]) == ("tencent-pts", "USD", None)
    assert {"users": 501, "amount": "8.00"} in only["points"]
    assert {"users": 500, "amount": "4.00", "amount_of_one_more": "8.00"} in only["cliffs"]
    own = json.loads(run("--json", "plot", "cost", example, "--tariff", "own-aws")[1])["curves"][0]
    assert len(own["points"][0]["amount"]) > len("0.00")  # machines cost parts of a cent


@pytest.mark.promise("break-even-is-true", command="plot plans")
def test_plot_plans_draws_the_break_even(tmp_path: Path, run: Command) -> None:
    need = ("plot", "plans", "--li-minutes", "60", "--runs", "20")
    code, out, _ = run(*need)
    assert code == 0
    assert "starter: costs less than on demand from 23 to 30 runs" in out
    file = tmp_path / "plans.svg"
    assert run(*need, "--out", file)[0] == 0
    text = file.read_text(encoding="utf-8")
    assert ">professional: costs less than on demand from 78 to 120 runs</text>" in text
    document = json.loads(run(*need, "--json")[1])
    assert document["plans"][0]["plan"] == document["cheapest"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--out", "cost.gif"), "ends in .svg or .png"),
        (("--tariff", "loadvue"), "no plan or tariff 'loadvue'"),
        (("--users-to", "1"), "--users-to"),
        (("--tariff", "loadster", "--tariff", "gatling"), "loadster has no price that was found"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], problem: str, example: Path, run: Command
) -> None:
    code, out, err = run("plot", "cost", example, *arguments)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1


def test_the_example_can_be_read_for_a_plot(example: Path, small_catalog: Catalog) -> None:
    scenario = read_scenario(example)
    drawn = curve(scenario, "own-aws", small_catalog)
    expected = compare(scenario, catalog=small_catalog, at=TODAY)
    (own,) = [row for row in expected.rows if row.name == "own-aws"]
    nearest = min(drawn.points, key=lambda point: abs(point[0] - 1_000))
    assert own.usd_micros is not None
    assert abs(nearest[1] - Fraction(own.usd_micros, 1_000_000)) < Fraction(2, 100)
