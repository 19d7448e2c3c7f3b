"""What is due for an account by an instant, found by one statement: nearly always nothing is.

Every command brings the books up to its instant first. Where nothing has come due since the last
one, there is nothing to do, and this says so without asking each of those that would do it. It may
say that something is due where nothing is; the other way round it never errs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import BindParameter, Connection, Row, bindparam, exists, select, text, true

from pricing.ledger.balances import MARKED, TAIL_COLUMNS, TAIL_MAX
from pricing.payments.gateway import PaymentState
from pricing.subscriptions.subscriptions import (
    LATEST,
    Subscription,
    last_opened_of,
    periods_after,
    subscription_of,
)
from pricing.subscriptions.terms import joined_terms
from pricing.tables import CHANGES, LOT_CLOSURES, LOTS, PAYMENTS, UNCOLLECTED_PAYMENT

_of: BindParameter[str] = bindparam("account_id")
_latest = LATEST.subquery("latest")
# In the very words of the index of those that are not collected.
_uncollected = (PAYMENTS.c.account_id == _of, text(UNCOLLECTED_PAYMENT))
_is_closed = exists().where(LOT_CLOSURES.c.lot_id == LOTS.c.id)

_DUE = select(
    _latest,
    *TAIL_COLUMNS,
    last_opened_of(_latest.c.id).label("last_opened"),
    exists()
    .where(CHANGES.c.account_id == _of, CHANGES.c.ended_at.is_(None))
    .label("has_open_change"),
    exists()
    .where(LOTS.c.account_id == _of, LOTS.c.expires_at <= bindparam("now"), ~_is_closed)
    .label("has_expired_lot"),
    # Something may have come back to it.
    exists().where(LOT_CLOSURES.c.account_id == _of).label("has_closed_lot"),
    exists().where(*_uncollected, PAYMENTS.c.state == PaymentState.DUE).label("has_due_payment"),
    exists().where(*_uncollected, PAYMENTS.c.state == PaymentState.DECLINED).label("is_declined"),
    exists().where(*_uncollected).label("owes"),
).select_from(_latest.join(MARKED, true()))


class DueNow(Struct, frozen=True):
    """What may be due for an account, and what was read along with that.

    Attributes:
        subscription: The account's latest, as it is before anything of it is done.
        at_boundaries: A period may begin, a change take effect, a lot expire or be emptied, or a
            step of dunning be due.
        payments: A payment waits to be asked for.
        owes: Something has not been paid: a payment is due, declined or without an answer.
        mark: That of the account's snapshots.
        is_too_long: Whether more postings are behind the mark than may stay there.
    """

    subscription: Subscription
    at_boundaries: bool
    payments: bool
    owes: bool
    mark: int
    is_too_long: bool


def due_now(conn: Connection, account_id: str, now: datetime) -> DueNow:
    """What may be due for an account by ``now``; its books are locked."""
    row = conn.execute(_DUE, {"account_id": account_id, "now": now, "tail_max": TAIL_MAX}).one()
    subscription = subscription_of(row, joined_terms(row))
    return DueNow(
        subscription=subscription,
        at_boundaries=(
            row.has_open_change
            or row.has_expired_lot
            or row.has_closed_lot
            or row.is_declined
            or _begins_period(subscription, row, now)
        ),
        payments=row.has_due_payment,
        owes=row.owes,
        mark=row.mark,
        is_too_long=row.is_too_long,
    )


def _begins_period(subscription: Subscription, row: Row[Any], now: datetime) -> bool:
    return subscription.has_periods and bool(periods_after(subscription, row.last_opened, now))
