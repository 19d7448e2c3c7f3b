"""A thousand million what-ifs, made, estimated and reduced on the fly: time, and peak memory.

Each size has a process of its own. The time is that of the processors, shared by the threads: what
else a machine does counts for less in it than in a clock's. Reduced to least, percentiles and the
ten cheapest by what machines cost on both clouds; the same by the plan's charge.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Figure, shown

AIM_S = 5.0
THREADS = 2
ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import json, sys, time
from benchmarks.measure import peak_kib
from engine.sweeping.axes import parse_axes
from engine.sweeping.grid import grid_of
from engine.sweeping.reduction import reduce_grid
from engine.sweeping.lookup import Lookup
from pricing.catalog import Catalog

measure, threads, *axes = sys.argv[1:]
grid = grid_of(parse_axes(axes, Catalog.bundled()))
lookup = Lookup()
small = grid_of(parse_axes(["users=1:40000", "duration=1m", *axes[2:]], Catalog.bundled()))
reduce_grid(small, lookup, measure=measure, compiled=True)
start = time.process_time()
found = reduce_grid(grid, lookup, measure=measure, threads=int(threads), compiled=True)
took_s = (time.process_time() - start) / int(threads)
print(json.dumps({
    "what_ifs": grid.what_ifs, "took_s": took_s, "peak_kib": peak_kib(),
    "median": found.tally.percentile(50), "left_out": found.left_out,
}))
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the grid: users up to ``many`` and lengths up to ``minutes``, in two regions."""

    many: int = 1_000_000
    minutes: int = 500
    few: int = 10_000


def figures(sizes: Sizes | None = None) -> list[Figure]:
    """Time against the aim, and peak memory against that of a hundredth of the what-ifs."""
    sizes = sizes or Sizes()
    found = []
    for measure, words in (("usd_micros", "charges"), ("machine_usd_micros", "machines")):
        many = _reduced(measure, sizes.many, sizes.minutes)
        few = _reduced(measure, sizes.few, sizes.minutes)
        assert many["left_out"] == few["left_out"] == 0, "every what-if can be estimated"
        rate = many["what_ifs"] / many["took_s"] / 1e6
        what_ifs = int(many["what_ifs"])
        found.append(
            Figure(
                f"{what_ifs:,} what-ifs reduced by {words}, {THREADS} threads ({rate:.0f} M/s)",
                f"{shown(many['took_s'])} of each thread's processor",
                f"{AIM_S:.0f} s",
                many["took_s"] / AIM_S,
                "aim: at most 1",
            )
        )
        found.append(
            Figure(
                f"peak memory of {what_ifs:,} what-ifs by {words}",
                f"{many['peak_kib'] / 1_024:.0f} MiB",
                f"{int(few['what_ifs']):,} what-ifs, {few['peak_kib'] / 1_024:.0f} MiB",
                many["peak_kib"] / few["peak_kib"],
                "at most 1.25",
            )
        )
    return found


def _reduced(measure: str, users: int, minutes: int) -> dict[str, float]:
    """What a process says of a grid."""
    axes = [f"users=1:{users}", f"duration=1m:{minutes}m:1m", "region=us-east-1,westeurope"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, measure, str(THREADS), *axes],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found
