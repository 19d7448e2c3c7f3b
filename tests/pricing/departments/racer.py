"""Processes that want the last credits at once: what each of them does.

They are forks of one process that has imported what they need, so that all of them are there soon.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import Engine

from engine.database import open_database, transaction
from kernel.errors import RefusedError
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.quotes import quote_from_json
from pricing.run_charges.charges import charge_start, reserve
from tests.patience import PATIENCE_S

Wish = dict[str, Any]
Answer = dict[str, Any]

_start: Barrier


def race(url: str, now: datetime, wishes: Sequence[Sequence[Wish]]) -> list[list[Answer]]:
    """Start a process for each list of wishes, let all go at once, and gather the answers."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    racers = len(wishes)
    start = forks.Barrier(racers, timeout=PATIENCE_S)
    with ProcessPoolExecutor(racers, forks, initializer=_stand_by, initargs=(start,)) as pool:
        return list(pool.map(_race, [url] * racers, [now] * racers, wishes, timeout=PATIENCE_S))


def _stand_by(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - what a process of a pool is given at its start
    _start = start


def _race(url: str, now: datetime, wishes: Sequence[Wish]) -> list[Answer]:
    db = open_database(url)
    try:
        # Whoever waits here takes no second list: each has a process of its own.
        _start.wait()
        return [_attempt(db, wish, now) for wish in wishes]
    finally:
        db.dispose()


def _attempt(db: Engine, wish: Wish, now: datetime) -> Answer:
    try:
        with transaction(db) as conn:
            reserved = reserve(
                conn,
                wish["account"],
                wish["run"],
                quote_from_json(wish["quote"]),
                department=wish["department"],
                on_demand=quote_from_json(wish["money"]),
                now=now,
                gateway=REHEARSED_GATEWAY,
            )
    except RefusedError as error:
        return {"code": error.code, **error.facts}
    with transaction(db) as conn:
        charge_start(conn, wish["run"], now=now, gateway=REHEARSED_GATEWAY)
    return {"payer": reserved.funding_source.value}
