"""Processes that give commands at the same instant, and what each of them was answered.

They are forks of one process that has imported what they need, so that all of them are there soon.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

from kernel.clock import ManualClock
from kernel.errors import LoadmusterError
from loadmuster import Engine
from tests.patience import PATIENCE_S


class Order(NamedTuple):
    """A command of a room, with its arguments."""

    room: str
    command: str
    account: str
    named: dict[str, Any]


class Reply(NamedTuple):
    """``code``: of the refusal, or empty; ``line``: what was said."""

    code: str
    line: str


_start: Barrier


def race(url: str, now: datetime, orders: Sequence[Sequence[Order]]) -> list[list[Reply]]:
    """A process for each list; all give their first order at once, then their second, ..."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    racers = len(orders)
    start = forks.Barrier(racers, timeout=PATIENCE_S)
    with ProcessPoolExecutor(racers, forks, initializer=_stand_by, initargs=(start,)) as pool:
        return list(pool.map(_race, [url] * racers, [now] * racers, orders, timeout=PATIENCE_S))


def _stand_by(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - what a process of a pool is given at its start
    _start = start


def _race(url: str, now: datetime, orders: Sequence[Order]) -> list[Reply]:
    with Engine(url, clock=ManualClock(now), environment={}) as engine:
        # The first use opens the database and reads the plans.
        engine.accounts.list()
        replies = []
        for order in orders:
            # Whoever waits here takes no second list: each has a process of its own.
            _start.wait()
            replies.append(_give(engine, order))
        return replies


def _give(engine: Engine, order: Order) -> Reply:
    try:
        getattr(getattr(engine, order.room), order.command)(order.account, **order.named)
    except LoadmusterError as error:
        return Reply(error.code, error.line)
    return Reply("", "")
