"""A sweep in memory against what memory can do: bytes of columns a second over numpy's copying.

The columns that are read and written count, eight bytes an entry; so do the source and the target
of the copy. Both fill memory that is already there, and are measured in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.measure import Figure, take_turns
from engine.sweeping.columns import Column
from engine.sweeping.sweep import sweep
from kernel.division import ceil_div

ROWS = 20_000_000
ROUNDS = 9
SEED = 20_261_122
BYTES_PER_ENTRY = 8
PAYLOADS = (8, 20, 250, 500)


def figures(rows: int = ROWS, rounds: int = ROUNDS) -> list[Figure]:
    """One thread and two: charges by given payloads; then machines too."""
    chance = np.random.default_rng(SEED)
    columns = {
        "users": chance.integers(1, 400_000, rows),
        "duration_s": chance.integers(1, 14_400, rows),
    }
    payloads = chance.choice(PAYLOADS, rows)
    found = []
    for threads, bound in ((1, "at least 0.5"), (2, "reported")):
        charged = {**columns, "users_per_injector": payloads}
        found.append(_figure("charges", charged, 6, threads, rounds, bound))
        placed = {**columns, "provider": "aws", "region": "us-east-1"}
        found.append(_figure("charges and machines", placed, 7, threads, rounds, bound))
    return found


def _figure(
    what: str, columns: Mapping[str, Any], entries: int, threads: int, rounds: int, bound: str
) -> Figure:
    rows = len(columns["users"])
    out = sweep(columns, threads=threads, compiled=True)
    source = np.arange(rows * 3)
    target = source.copy()
    turns = take_turns(
        lambda: sweep(columns, threads=threads, compiled=True, out=out),
        copying(source, target, threads),
        rounds=rounds,
    )
    swept_bytes, copied_bytes = rows * entries * BYTES_PER_ENTRY, 2 * source.nbytes
    low, high = (swept_bytes / copied_bytes / each for each in reversed(turns.spread))
    who = "one thread" if threads == 1 else f"{threads} threads"
    return Figure(
        f"sweep of {rows:,} rows in memory, {what}, {who}",
        f"{rows / turns.one_s / 1e6:.0f} M/s, {swept_bytes / turns.one_s / 1e9:.1f} GB/s",
        f"numpy copying, {copied_bytes / turns.other_s / 1e9:.1f} GB/s",
        swept_bytes / copied_bytes / turns.ratio,
        bound,
        (low, high),
    )


def copying(source: Column, target: Column, threads: int) -> Callable[[], object]:
    """A function that copies one into the other, each thread a part."""
    size = ceil_div(len(source), threads)
    parts = [slice(low, low + size) for low in range(0, len(source), size)]

    def copy(part: slice) -> None:
        np.copyto(target[part], source[part])

    def copy_all() -> None:
        if threads == 1:
            copy(parts[0])
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(copy, parts))

    return copy_all
