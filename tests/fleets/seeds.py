"""Many seeds at once, each alone on its database."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from engine.database import open_database
from tests.fleets.life import Report, live

BATCH = 20


def play(seeds: Sequence[int], *, processes: int = 1) -> Report:
    """Play all seeds; the same seeds always give the same report."""
    total = Report()
    with _template() as template:
        if processes == 1:
            for seed in seeds:
                total.add(live(seed, template))
            return total
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for report in pool.imap(partial(live, template=template), seeds, chunksize=BATCH):
                total.add(report)
    return total


def first_violation(seeds: Sequence[int]) -> int | None:
    """How many seeds it took to find a violation; None: they did not."""
    with _template() as template:
        for number, seed in enumerate(seeds, start=1):
            if live(seed, template).violations:
                return number
    return None


@contextmanager
def _template() -> Iterator[Path]:
    """An empty database, migrated once and copied for every seed."""
    with tempfile.TemporaryDirectory(prefix="lm-fleets-") as folder:
        file = Path(folder) / "empty.db"
        open_database(f"sqlite:///{file}").dispose()
        yield file
