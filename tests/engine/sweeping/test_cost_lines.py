"""``plot sweep``: cost against users from a sweep's result, and where another choice is cheaper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Command, here
from tests.engine.sweeping.singles import Row, charged


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    return here(capsys, "--now", "2026-11-22")


@pytest.fixture(params=["csv", "parquet"])
def written(run: Command, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"grid.{request.param}"
    axes = ("users=300:9000:300", "duration=10m", "plan=grafana-k6,gatling,loadview")
    code, out, _ = run("sweep", *(word for axis in axes for word in ("--grid", axis)), path)
    assert code == 0
    assert "a price of an LI-minute on demand was not found" in out
    return path


def test_the_lines_are_the_plans_and_the_mark_is_their_break_even(
    run: Command, written: Path
) -> None:
    code, out, _ = run("plot", "sweep", written, "--json")
    assert code == 0
    document = json.loads(out)
    assert [line["name"] for line in document["lines"]] == ["grafana-k6", "gatling"]
    users = range(300, 9_001, 300)
    costs = {
        name: [charged(Row(each, 600, plan=name)) for each in users]
        for name in ("grafana-k6", "gatling")
    }
    for line in document["lines"]:
        assert [point["users"] for point in line["points"]] == list(users)
        amounts = [round(float(point["amount"]) * 1e6) for point in line["points"]]
        assert amounts == costs[line["name"]]
    first = next(
        each
        for each, own, other in zip(users, costs["gatling"], costs["grafana-k6"], strict=True)
        if own < other
    )
    assert document["break_even"] == [
        {"users": first, "cheapest": "gatling", "instead_of": "grafana-k6"}
    ]
    code, out, _ = run("plot", "sweep", written)
    assert code == 0
    assert out.splitlines()[1] == "http 10m: USD a run by users"
    assert f"gatling: cheapest from {first:,} users on, instead of grafana-k6" in out


def test_the_lines_can_be_drawn_into_a_file_and_chosen(run: Command, written: Path) -> None:
    picture = written.with_suffix(".svg")
    code, out, _ = run("plot", "sweep", written, "--where", "users<5000", "--out", picture)
    assert (code, out) == (0, f"drawn into {picture}\n")
    assert "grafana-k6" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--by", "machine_usd"), "there is no column machine_usd_micros; draw what a sweep has"),
        (("--where", "plan=gold"), "--where: no row has plan 'gold'"),
    ],
)
def test_what_makes_no_line_is_refused(
    run: Command, written: Path, arguments: tuple[str, ...], expected: str
) -> None:
    code, _, err = run("plot", "sweep", written, *arguments)
    assert code == 2
    assert err.startswith(f"loadmuster: {expected}")


def test_too_many_lines_are_refused(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "grid.parquet"
    run("sweep", "--grid", "users=1,2", "--grid", "duration=1m:9m:1m", path)
    code, _, err = run("plot", "sweep", path)
    assert code == 2
    assert err.startswith("loadmuster: the rows make 9 lines, by duration_s; at most 8 can be told")
