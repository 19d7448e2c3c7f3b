"""Every figure that the documents quote: ``make bench``, or ``python -m benchmarks [NAME ...]``.

Each benchmark measures two things in the same run and reports their ratio. Where both are measured
in turn, round by round, a busy machine slows both: the ratio is the median of the rounds, and moves
with the machine less than either. The table is printed and saved as JSON with the machine and the
commit it was measured on. Those that are not asked for keep the figures that they have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import psutil

from benchmarks import (
    advancing,
    calibration,
    command_line,
    first_requests,
    fleet_choice,
    long_accounts,
    machines,
    many_runs,
    posting,
    single_estimate,
    sweep_bandwidth,
    sweep_columns,
    sweep_files,
    sweep_grid,
    sweep_peers,
)
from benchmarks.measure import Figure

BENCHMARKS: Mapping[str, ModuleType] = {
    "command-line": command_line,
    "single-estimate": single_estimate,
    "fleet-choice": fleet_choice,
    "sweep": sweep_columns,
    "calibration": calibration,
    "sweep-bandwidth": sweep_bandwidth,
    "sweep-grid": sweep_grid,
    "sweep-files": sweep_files,
    "sweep-peers": sweep_peers,
    "machines": machines,
    "many-runs": many_runs,
    "first-requests": first_requests,
    "posting": posting,
    "long-accounts": long_accounts,
    "advancing": advancing,
}
RESULTS = Path(__file__).with_name("results.json")
ROOT = Path(__file__).resolve().parent.parent
PAGE, README = ROOT / "docs" / "figures.md", ROOT / "README.md"
QUOTED = (
    "one estimate in one region",
    "sweep of 5,000,000 rows, times faster than Polars",
    "1,000 machines launched, and released until gone, on a rehearsed AWS",
)
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="put the table into the documents")
    options = parser.parse_args()
    results = read_results(options.out)
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured_on = {**machine(), "benchmark": content_of(BENCHMARKS[name])}
        results[name] = Result(measured_on, tuple(BENCHMARKS[name].figures()))
        # At once: the later ones take minutes, and may be interrupted.
        write_results(options.out, results)
    figures = figures_of(results)
    print(table(figures))
    if options.page:
        update(PAGE, figures)
        update(README, quoted(figures))
    print(f"\nsaved to {options.out}", file=sys.stderr)
    return 0


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark measured, with which content, and on what machine and commit."""

    measured_on: dict[str, str | int]
    figures: tuple[Figure, ...]


def read_results(path: Path) -> dict[str, Result]:
    """What was measured before, by benchmark; some may be missing."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {
        name: Result(
            document[name]["measured_on"],
            tuple(Figure(**figure) for figure in document[name]["figures"]),
        )
        for name in BENCHMARKS
        if name in document
    }


def figures_of(results: Mapping[str, Result]) -> list[Figure]:
    """All figures, in the order of the benchmarks."""
    return [each for name in BENCHMARKS if name in results for each in results[name].figures]


def write_results(path: Path, results: dict[str, Result]) -> None:
    """Save what has been measured, now or before."""
    document = {name: asdict(results[name]) for name in BENCHMARKS if name in results}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def content_of(benchmark: ModuleType) -> str:
    """Names what the benchmark's file holds: figures are out of date once it holds another."""
    assert benchmark.__file__ is not None, benchmark
    return hashlib.sha256(Path(benchmark.__file__).read_bytes()).hexdigest()[:16]


def quoted(figures: Sequence[Figure]) -> list[Figure]:
    """Those that the README quotes, in the order of ``QUOTED``."""
    by_name = {each.name: each for each in figures}
    return [by_name[name] for name in QUOTED if name in by_name]


def update(path: Path, figures: Sequence[Figure]) -> None:
    """Replace what stands between the markers of a document."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{table(figures)}\n{END}{after}", encoding="utf-8")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, as the documents show them."""
    rows = ["| figure | measured | against | ratio | bound |", "|---|---|---|---|---|"]
    rows += [
        f"| {each.name} | {each.measured} | {each.against} | {_ratio(each)} | {each.bound} |"
        for each in figures
    ]
    return "\n".join(rows)


def _ratio(figure: Figure) -> str:
    """The median, and between which the middle half of the rounds lie."""
    if figure.spread is None:
        return f"{figure.ratio:.3g}"
    low, high = figure.spread
    return f"{figure.ratio:.3g} ({low:.3g} to {high:.3g})"


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git is in use
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "commit": commit or "unknown",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


if __name__ == "__main__":
    sys.exit(main())
