"""Run them: ``python -m tests.gateway_chaos --lives 2000 --seed 1``; one again: ``--life 17``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from os import cpu_count
from pathlib import Path

from engine.database import open_database
from tests.gateway_chaos.lives import Life, Tally
from tests.telling import say, say_all

PIECE = 25
SHOWN = 20


def lives(seeds: Iterable[int], template: Path) -> Tally:
    """Live through every seed's life, one after the other."""
    tally = Tally()
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        for seed in seeds:
            tally.add(Life(seed, Path(folder) / f"{seed}.db", template).live())
    return tally


def template_in(folder: Path) -> Path:
    """A file with empty books, to be copied."""
    file = folder / "empty.db"
    open_database(f"sqlite:///{file}").dispose()
    return file


def main() -> int:
    """Live and report; 1 if anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.gateway_chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same lives")
    parser.add_argument("--lives", type=int, default=2_000)
    parser.add_argument("--life", type=int, help="only this one, alone")
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    options = parser.parse_args()
    first = options.seed * 1_000_000
    seeds = range(first, first + options.lives) if options.life is None else [options.life]
    began, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory() as folder:
        one = partial(lives, template=template_in(Path(folder)))
        pieces = [seeds[at : at + PIECE] for at in range(0, len(seeds), PIECE)]
        with ProcessPoolExecutor(options.processes) as pool:
            for done in pool.map(one, pieces):
                tally.add(done)
                say(f"{tally.lives} lives so far, {len(tally.violations)} violations")
    say(f"{tally.lives} lives in {time.monotonic() - began:.0f} s")
    say_all("commands", tally.commands)
    say_all("answers", tally.outcomes)
    say_all("faults", tally.faults)
    say_all("payments", tally.attempts)
    say(f"{tally.collected_usd_micros // 1_000_000:,} dollars collected")
    say(f"violations: {len(tally.violations)}")
    for violation in tally.violations[:SHOWN]:
        say(f"  {violation}")
    return 1 if tally.violations else 0


def _quick_folder() -> str | None:
    """In memory, where there is such a folder: what is on the disk does not matter here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


if __name__ == "__main__":
    sys.exit(main())
