"""Many seeds, each alone on its database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from itertools import islice

from tests.run_simulator.ground import made_ground
from tests.run_simulator.life import Report, live

BATCH = 50


def play(seeds: Sequence[int], *, processes: int = 1) -> Report:
    """Play all seeds; the same seeds always give the same report."""
    total = Report()
    batches = [seeds[first : first + BATCH] for first in range(0, len(seeds), BATCH)]
    if processes == 1:
        for batch in batches:
            total.add(_play_batch(batch))
        return total
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for report in pool.imap(_play_batch, batches):
            total.add(report)
    return total


def first_violation(seeds: Sequence[int]) -> int | None:
    """How many seeds it took to find a violation; None: they did not."""
    with made_ground() as ground:
        found = (number for number, seed in enumerate(seeds, 1) if live(seed, ground).violations)
        return next(islice(found, 1), None)


def _play_batch(seeds: Sequence[int]) -> Report:
    total = Report()
    with made_ground() as ground:
        for seed in seeds:
            total.add(live(seed, ground))
    return total
