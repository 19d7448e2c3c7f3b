"""What the books say that a payment gateway moved, as it would list it itself.

A payment is what was collected under a key, whatever has become of it; a refund is what left the
ledger's cash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, Select, Text, cast, func, literal, select

from pricing.ledger.invoices import REFUND_CAUSE
from pricing.payments.attempts import AttemptState
from pricing.payments.disputes import DISPUTE_CAUSE
from pricing.payments.movements import MovementKind
from pricing.tables import DISPUTES, PAYMENT_ATTEMPTS, PAYMENTS, REFUNDS, TRANSACTIONS

PAGE = 1_000
_COLLECTED = (AttemptState.ACCEPTED, AttemptState.DISPUTED)


class BookedMovement(Struct, frozen=True):
    """Money that a gateway moved, as the books have it.

    Attributes:
        key: What it was asked for under.
        kind: What for.
        micros: How much, in millionths of the currency.
        currency: ISO 4217.
        at: When, by the account's clock.
        account_id: Whose.
        what: What it was for: ``subscription:1:period:3``, ``refund:7``.
    """

    key: str
    kind: MovementKind
    micros: int
    currency: str
    at: datetime
    account_id: str
    what: str


def booked_between(conn: Connection, start: datetime, end: datetime) -> Iterator[BookedMovement]:
    """What moved in ``[start, end)`` by the books."""
    for kind, statement, key, at in _each_kind():
        within = statement.where(at >= start, at < end).order_by(key)
        rows = conn.execution_options(yield_per=PAGE).execute(within)
        yield from (_movement(kind, row) for row in rows)


def booked_under(conn: Connection, keys: Sequence[str]) -> Iterator[BookedMovement]:
    """What moved under some keys by the books, whenever that was."""
    for kind, statement, key, _ in _each_kind():
        for row in conn.execute(statement.where(key.in_(keys))):
            yield _movement(kind, row)


def on_record(conn: Connection, keys: Sequence[str]) -> dict[str, str]:
    """How some keys stand on record, for which no money has moved by the books."""
    states: dict[str, str] = {}
    for table in (PAYMENT_ATTEMPTS, REFUNDS):
        found = conn.execute(select(table.c.key, table.c.state).where(table.c.key.in_(keys)))
        states.update((key, str(state)) for key, state in found)
    return states


def _each_kind() -> Iterator[tuple[MovementKind, Select[Any], Any, Any]]:
    """For each kind the statement, its column of keys, and its column of instants."""
    asked = PAYMENT_ATTEMPTS.c
    collected = select(
        asked.key,
        func.coalesce(asked.collected_micros, asked.usd_micros).label("micros"),
        func.coalesce(asked.collected_currency, asked.currency).label("currency"),
        asked.answered_at.label("at"),
        asked.account_id,
        asked.purpose.label("what"),
    ).where(asked.state.in_(_COLLECTED))
    yield MovementKind.PAYMENT, collected, asked.key, asked.answered_at
    of = literal(REFUND_CAUSE).concat(cast(REFUNDS.c.id, Text))
    for kind, name in (
        (MovementKind.REFUND, ":cash"),
        (MovementKind.REFUND_RETURNED, ":returned"),
    ):
        given = select(
            REFUNDS.c.key,
            REFUNDS.c.usd_micros.label("micros"),
            REFUNDS.c.currency,
            TRANSACTIONS.c.effective_at.label("at"),
            REFUNDS.c.account_id,
            of.label("what"),
        )
        given = given.join(TRANSACTIONS, TRANSACTIONS.c.natural_key == of.concat(name))
        # What was rehearsed no gateway has moved.
        given = given.join(PAYMENTS, PAYMENTS.c.cause == REFUNDS.c.cause)
        given = given.where(PAYMENTS.c.rehearsed.is_not(True))
        yield kind, given, REFUNDS.c.key, TRANSACTIONS.c.effective_at
    yield from _of_disputes()


def _of_disputes() -> Iterator[tuple[MovementKind, Select[Any], Any, Any]]:
    """The same of disputes, whose key is the gateway's own name of them."""
    of = literal(DISPUTE_CAUSE).concat(cast(DISPUTES.c.id, Text))
    for kind, name in (
        (MovementKind.DISPUTE, ":withdrawn"),
        (MovementKind.DISPUTE_WON, ":won"),
    ):
        moved = select(
            DISPUTES.c.name.label("key"),
            DISPUTES.c.usd_micros.label("micros"),
            DISPUTES.c.currency,
            TRANSACTIONS.c.effective_at.label("at"),
            DISPUTES.c.account_id,
            of.label("what"),
        ).join(TRANSACTIONS, TRANSACTIONS.c.natural_key == of.concat(name))
        yield kind, moved, DISPUTES.c.name, TRANSACTIONS.c.effective_at


def _movement(kind: MovementKind, row: Row[Any]) -> BookedMovement:
    return BookedMovement(
        row.key, kind, int(row.micros), row.currency, row.at, row.account_id, row.what
    )
