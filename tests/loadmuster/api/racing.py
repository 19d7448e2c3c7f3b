"""Processes that give commands at the same instant, and what each of them was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from kernel.clock import ManualClock
from kernel.errors import LoadmusterError
from loadmuster import Engine
from tests.racing import go_together, race_of


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


def race(url: str, now: datetime, orders: Sequence[Sequence[Order]]) -> list[list[Reply]]:
    """A process for each list; all give their first order at once, then their second, ..."""
    return race_of(_race, url, now, orders)


def _race(url: str, now: datetime, orders: Sequence[Order]) -> list[Reply]:
    with Engine(url, clock=ManualClock(now), environment={}) as engine:
        # The first use opens the database and reads the plans.
        engine.accounts.list()
        replies = []
        for order in orders:
            go_together()
            replies.append(_give(engine, order))
        return replies


def _give(engine: Engine, order: Order) -> Reply:
    try:
        getattr(getattr(engine, order.room), order.command)(order.account, **order.named)
    except LoadmusterError as error:
        return Reply(error.code, error.line)
    return Reply("", "")
