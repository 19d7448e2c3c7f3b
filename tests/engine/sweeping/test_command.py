"""``loadmuster sweep``: files, folders and grids from the command line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tests.command_line import Command, here
from tests.engine.sweeping.singles import Row, alone

TESTS = (
    "users,duration,region,note\n900,10m,us-east-1,a\n40,1h,westeurope,b\n70000,3m,eu-west-1,c\n"
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    return here(capsys, "--now", "2026-11-22")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tests.csv"
    path.write_text(TESTS)
    return path


def test_a_file_becomes_one_with_estimates(run: Command, source: Path) -> None:
    target = source.with_name("out.parquet")
    code, out, _ = run("sweep", source, target)
    assert (code, out) == (0, f"{source}: 3 rows estimated; 3 rows in {target}\n")
    found = pq.read_table(target)
    assert found["note"].to_pylist() == ["a", "b", "c"]
    expected = [
        alone(Row(users, duration_s, region=region))
        for users, duration_s, region in (
            (900, 600, "us-east-1"),
            (40, 3_600, "westeurope"),
            (70_000, 180, "eu-west-1"),
        )
    ]
    names = ("injectors", "li_minutes", "usd_micros", "machines", "machine_usd_micros")
    assert [*zip(*(found[name].to_pylist() for name in names), strict=True)] == expected


def test_the_first_rows_by_an_order_are_shown_without_a_file(run: Command, source: Path) -> None:
    code, out, _ = run("sweep", source, "--sort", "-usd", "--top", 2, "--where", "usd<2000")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[-2:]] == ["70,000", "40"]
    code, out, _ = run("sweep", source, "-", "--sort", "-usd", "--top", 2, "--json")
    document: dict[str, Any] = json.loads(out)
    assert (document["rows"], document["file"]) == (3, None)
    assert [row["users"] for row in document["first"]] == [70_000, 40]
    assert document["first"][1]["usd"] == "9.08"


def test_a_bad_row_is_one_line_with_file_column_and_row(run: Command, source: Path) -> None:
    source.write_text(TESTS.replace("westeurope", "westerope"))
    target = source.with_name("out.csv")
    code, out, err = run("sweep", source, target)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"loadmuster: {source}: region, row 1: no region 'westerope' of aws or azure in the catal"
    )
    assert err.count("\n") == 1
    assert not target.exists()
    code, out, _ = run("sweep", source, target, "--on-error", "mark")
    assert code == 0
    assert "3 rows estimated, 1 of them marked as no load tests" in out
    assert "region, row 1: no region 'westerope'" in out
    assert pa_csv.read_csv(target)["machines"].to_pylist()[1] is None


def test_a_grid_is_shown_by_percentiles_and_its_cheapest(run: Command) -> None:
    axes = ("--grid", "users=1000:50000:1000", "--grid", "duration=5m,1h")
    code, out, _ = run("sweep", *axes, "--best", 2)
    assert code == 0
    assert out.startswith("100 what-ifs in ")
    assert "USD charged" in out
    assert out.splitlines()[-2].split() == ["1,000", "5m", "http", "on-demand", "2", "10", "3.50"]
    code, out, _ = run("sweep", *axes, "--grid", "region=eu-west-*", "--json")
    document = json.loads(out)
    assert (document["what_ifs"], document["left_out"]) == (300, 0)
    assert document["measure"] == "machine_usd"
    best = document["best"][0]
    expected = alone(Row(1_000, 300, region=best["region"]))
    assert (best["users"], best["machine_usd"]) == (1_000, f"{expected[4] / 1e6:.6f}".rstrip("0"))


def test_a_grid_can_be_written_and_chosen_from(run: Command, tmp_path: Path) -> None:
    target = tmp_path / "grid.csv"
    code, out, _ = run(
        "sweep",
        *(
            "--grid",
            "users=100:1000:100",
            "--grid",
            "duration=5m",
            "--grid",
            "plan=starter,gatling",
        ),
        *("--where", "usd<4", "--sort", "-users"),
        target,
    )
    assert (code, out) == (0, f"the grid: 20 rows estimated; 10 rows in {target}\n")
    rows = pa_csv.read_csv(target).to_pylist()
    assert {row["plan"] for row in rows} == {"starter"}
    assert [row["users"] for row in rows] == list(range(1_000, 0, -100))


def test_a_folder_of_partitions_becomes_one(run: Command, tmp_path: Path) -> None:
    folder, target = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b"):
        table = pa.table({"users": np.arange(1, 11), "duration_s": np.full(10, 60)})
        pq.write_table(table, folder / f"{name}.parquet")
    code, out, _ = run("sweep", folder, target)
    assert (code, out) == (0, f"{folder}: 20 rows in 2 files estimated; they are in {target}\n")
    assert sorted(each.name for each in target.iterdir()) == ["a.parquet", "b.parquet"]
    code, out, _ = run("sweep", folder, target, "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "table_file"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "sweep: give IN, a file of load tests, or --grid"),
        (("in.csv",), "sweep: give OUT, or --top K to see the first rows"),
        (("out.csv", "--grid", "users=1"), "--grid: give an axis duration"),
        (
            ("a.csv", "b.csv", "--grid", "users=1", "--grid", "duration=1m"),
            "sweep: --grid takes the place of IN; give OUT alone",
        ),
        (
            ("--grid", "users=1", "--grid", "duration=1m", "--where", "usd<1"),
            "sweep: --where and --top choose among rows; give OUT with them, or --best K",
        ),
        (
            ("--grid", "users=1", "--grid", "duration=1m", "--sort", "users"),
            "sweep: --sort of a grid is usd or machine_usd",
        ),
        (("in.csv", "out.csv", "--plan", "gold"), "in.csv: there is no such file"),
    ],
)
def test_what_cannot_be_done_is_refused(
    run: Command, arguments: tuple[str, ...], expected: str
) -> None:
    code, _, err = run("sweep", *arguments)
    assert code == 2
    assert err.startswith(f"loadmuster: {expected}")


def test_without_the_extra_the_command_says_how_to_get_it(
    run: Command, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name)
    )
    code, _, err = run("sweep", source, source.with_name("out.csv"))
    assert code == 2
    assert err == (
        "loadmuster: sweep: pyarrow, which reads files of columns, is not installed;"
        " install it with: pip install 'loadmuster[sweep]'\n"
    )
    assert run("sweep", "--grid", "users=1:9", "--grid", "duration=1m")[0] == 0
