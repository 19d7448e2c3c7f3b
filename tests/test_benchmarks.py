"""The benchmarks run, on small sizes, and a part of them leaves the other figures alone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import __main__ as bench
from benchmarks import (
    advancing,
    arriving_runs,
    calibration,
    first_requests,
    fleet_choice,
    long_accounts,
    machines,
    many_runs,
    posting,
    sweep_bandwidth,
    sweep_files,
    sweep_grid,
    sweep_peers,
)
from benchmarks.measure import Figure
from engine.calibrating.injector import Timing


@pytest.mark.long
def test_postings_are_measured_on_both_databases() -> None:
    figures = posting.figures(posting.Sizes(rounds=2, single_commits=3, batch_commits=2, batch=5))
    assert len(figures) == 4
    assert all(figure.ratio > 0 for figure in figures)


def test_random_loads_never_cost_less_than_the_bound_nor_more_than_the_usual_choices() -> None:
    figures = fleet_choice.figures(loads=30, rounds=1)
    assert len(figures) == 16
    gap, _, usual, cheapest_vcpu = figures[12:]
    assert gap.name.endswith("30 proven")
    assert gap.ratio >= 1
    assert usual.ratio >= 1
    assert cheapest_vcpu.ratio >= 1


@pytest.mark.long
def test_a_long_account_is_written_and_measured_on_both_databases() -> None:
    figures = long_accounts.figures(long_accounts.Sizes(postings=900, few_postings=30, rounds=3))
    assert len(figures) == 6
    assert all(figure.ratio > 0 for figure in figures)


@pytest.mark.long
def test_runs_arrive_by_a_schedule_and_are_timed_from_then_on() -> None:
    sizes = arriving_runs.Sizes(accounts=6, runs_a_second=10, measured_s=1)
    (figure,) = arriving_runs.figures(sizes)
    assert "10 a second arrive at 6 accounts, PostgreSQL" in figure.name
    assert figure.ratio > 0


@pytest.mark.long
def test_a_months_end_is_measured_on_both_databases_and_in_processes_of_their_own() -> None:
    sizes = advancing.Sizes(together=24, one_by_one=4, months=2, many=16, few=8)
    *speeds, many, memory = advancing.figures(sizes)
    assert len(speeds) == 2
    assert all(figure.ratio > 0 for figure in speeds)
    assert many.name.startswith("a month's end of 16 accounts")
    assert 0 < memory.ratio < 2


@pytest.mark.long
def test_the_first_requests_of_injectors_of_both_kinds_are_seen_at_the_target() -> None:
    sliced, native = first_requests.figures(first_requests.Sizes(injectors=2, rounds=1))
    assert "after the barrier" in sliced.name
    assert 0 < sliced.ratio < 50
    assert 0 < native.ratio < 50


@pytest.mark.long
def test_some_runs_are_driven_at_once() -> None:
    (memory,) = many_runs.figures(3)
    assert memory.name.endswith("3 runs at once")
    assert 0 < memory.ratio < 1


@pytest.mark.long
def test_a_few_machines_are_launched_both_ways() -> None:
    ours, changing, memory = machines.figures(machines.Sizes(machines=5, rounds=1))
    assert 0 < ours.ratio < 50
    assert changing.ratio <= 4
    assert memory.ratio > 0


@pytest.mark.long
def test_the_users_of_a_behaviour_are_foretold_and_measured() -> None:
    timing = Timing(settle_s=2.0, window_s=3.0)
    (figure,) = calibration.figures(calibration.Sizes(behaviours=1, timing=timing))
    assert "a pause of 1 s, FastHttpUser" in figure.name
    assert 0.5 < figure.ratio < 2


def test_a_sweep_is_measured_against_memory() -> None:
    figures = sweep_bandwidth.figures(rows=200_000, rounds=1)
    assert len(figures) == 4
    assert all(figure.ratio > 0 for figure in figures)


def test_a_sweep_gives_what_a_loop_pandas_polars_and_duckdb_give() -> None:
    figures = sweep_peers.figures(rows=20_000, rounds=1)
    assert len(figures) == 4
    assert figures[0].ratio > 1


@pytest.mark.long
def test_a_grid_and_a_file_are_swept_in_processes_of_their_own() -> None:
    speed, memory, *_ = sweep_grid.figures(sweep_grid.Sizes(many=100_000, minutes=20, few=1_000))
    assert speed.name.startswith("4,000,000 what-ifs")
    assert 0.5 < memory.ratio < 2
    against_polars, _ = sweep_files.figures(rows=1_000_000)
    assert against_polars.ratio > 0


def test_a_part_that_is_measured_leaves_the_other_figures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speeds = {"one": 1.0, "two": 2.0}

    def measuring(name: str) -> ModuleType:
        module = ModuleType(name)
        module.__file__ = str(tmp_path / f"{name}.py")
        (tmp_path / f"{name}.py").write_text(name)
        module.__dict__["figures"] = lambda: [Figure(name, "now", "then", speeds[name], "reported")]
        return module

    page, readme, out = (tmp_path / name for name in ("figures.md", "README.md", "results.json"))
    for document, name in ((page, "PAGE"), (readme, "README")):
        document.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
        monkeypatch.setattr(bench, name, document)
    monkeypatch.setattr(bench, "QUOTED", ("two",))
    monkeypatch.setattr(bench, "BENCHMARKS", {name: measuring(name) for name in speeds})
    for arguments in ([], ["two"]):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments, "--page", "--out", str(out)])
        assert bench.main() == 0
        speeds["one"], speeds["two"] = 9.0, 3.0
    one, two = (
        Figure(*each)
        for each in (
            ("one", "now", "then", 1.0, "reported"),
            ("two", "now", "then", 3.0, "reported"),
        )
    )
    shown, quoted = bench.table([one, two]), bench.table([two])
    assert shown in capsys.readouterr().out
    assert page.read_text() == f"before\n{bench.BEGIN}\n{shown}\n{bench.END}\nafter\n"
    assert readme.read_text() == f"before\n{bench.BEGIN}\n{quoted}\n{bench.END}\nafter\n"
    found = bench.read_results(out)
    assert [found[name].figures[0].ratio for name in speeds] == [1.0, 3.0]


def test_no_figure_of_the_documents_is_older_than_its_benchmark() -> None:
    results = bench.read_results(bench.RESULTS)
    outdated = [
        name
        for name, benchmark in bench.BENCHMARKS.items()
        if name not in results
        or results[name].measured_on["benchmark"] != bench.content_of(benchmark)
    ]
    assert not outdated, f"measure again: python -m benchmarks {' '.join(outdated)} --page"
    figures = bench.figures_of(results)
    for path, expected in ((bench.PAGE, figures), (bench.README, bench.quoted(figures))):
        shown = path.read_text(encoding="utf-8").partition(bench.BEGIN)[2]
        assert shown.partition(bench.END)[0].strip() == bench.table(expected), path
    assert len(bench.quoted(figures)) == len(bench.QUOTED)
