"""Processes that do something at the same instant, each of them its own list.

They are forks of one process that has imported what they need, so that all of them are there soon.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from tests.patience import PATIENCE_S

Wish = TypeVar("Wish")
Answer = TypeVar("Answer")

_start: Barrier


def race_of(
    one: Callable[[str, datetime, Sequence[Wish]], list[Answer]],
    url: str,
    now: datetime,
    wishes: Sequence[Sequence[Wish]],
) -> list[list[Answer]]:
    """Start a process for each list of wishes, and gather what each was answered.

    Args:
        one: What each does: with the database, the instant and its list. It goes when all are
            there, by ``go_together``.
        url: Of the database.
        now: The instant.
        wishes: A list for each process.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([one.__module__])
    racers = len(wishes)
    start = forks.Barrier(racers, timeout=PATIENCE_S)
    with ProcessPoolExecutor(racers, forks, initializer=_stand_by, initargs=(start,)) as pool:
        return list(pool.map(one, [url] * racers, [now] * racers, wishes, timeout=PATIENCE_S))


def go_together() -> None:
    """Wait until all are here; whoever waits takes no second list: each has its own process."""
    _start.wait()


def _stand_by(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - what a process of a pool is given at its start
    _start = start
