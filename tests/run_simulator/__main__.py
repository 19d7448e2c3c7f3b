"""Play seeds: ``python -m tests.run_simulator --seeds 10000`` or, one again, ``--seed 4711``."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.run_simulator.seeds import play
from tests.telling import say, say_all

SHOWN = 20


def main() -> int:
    """Play and report; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.run_simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many, from the first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    began = time.monotonic()
    report = play(seeds, processes=options.processes)
    say(f"seeds {seeds.start} to {seeds.stop - 1} in {time.monotonic() - began:.0f} s")
    say_all("runs", report.runs)
    say(f"machines launched: {report.machines:,}")
    say_all("mishaps", report.mishaps)
    say(f"runs whose machines were left to their dead man: {report.outlived:,}")
    say(f"violations: {len(report.violations)}")
    for violation in report.violations[:SHOWN]:
        say(f"  {violation}")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
