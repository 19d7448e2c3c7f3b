"""Processes that want the last credits at once: what each of them does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from engine.database import open_database, transaction
from kernel.errors import RefusedError
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.quotes import quote_from_json
from pricing.run_charges.charges import charge_start, reserve
from tests.racing import go_together, race_of

Wish = dict[str, Any]
Answer = dict[str, Any]


def race(url: str, now: datetime, wishes: Sequence[Sequence[Wish]]) -> list[list[Answer]]:
    """Start a process for each list of wishes, let all go at once, and gather the answers."""
    return race_of(_race, url, now, wishes)


def _race(url: str, now: datetime, wishes: Sequence[Wish]) -> list[Answer]:
    db = open_database(url)
    try:
        go_together()
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
