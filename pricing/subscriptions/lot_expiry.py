"""Lots that nothing can be taken from any more: void, or expired.

What is left of a closed lot is posted away, so that the credits that an account can use are what
its ledger holds on lots. A part that an open reservation holds stays good (C17); if it comes back,
or a run's correction brings something back, it is posted away as soon as the books are advanced.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, select

from kernel.words import counted
from pricing.ledger.balances import held_on_lots, held_on_lots_of
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.ledger.lots import LotKind, held_of, ledger_account
from pricing.plans.quotes import Unit
from pricing.tables import (
    LOT_CLOSURES,
    LOTS,
    RESERVATIONS,
    SLICES,
    TRANSACTIONS,
    among,
    insert_once,
)


class ExpiryReason(StrEnum):
    """Why a lot was closed; also the ledger account that the rest goes to."""

    VOID = "void"
    EXPIRED = "expired"


_EXPIRED = (
    select(LOTS.c.id, LOTS.c.expires_at)
    .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
    .where(
        LOTS.c.account_id == bindparam("of"),
        LOTS.c.expires_at <= bindparam("until"),
        LOT_CLOSURES.c.lot_id.is_(None),
    )
    .order_by(LOTS.c.expires_at, LOTS.c.id)
)
_CLOSED = (
    select(LOT_CLOSURES.c.lot_id, LOT_CLOSURES.c.reason)
    .where(among(LOT_CLOSURES.c.lot_id, "lots"))
    .order_by(LOT_CLOSURES.c.lot_id)
)
_CLOSED_AMONG = select(LOT_CLOSURES.c.lot_id, LOT_CLOSURES.c.account_id).where(
    among(LOT_CLOSURES.c.lot_id, "lots")
)
_RESERVED = (
    select(SLICES.c.lot_id, func.sum(SLICES.c.amount).label("amount"))
    .join(RESERVATIONS, RESERVATIONS.c.run_id == SLICES.c.run_id)
    .where(among(RESERVATIONS.c.account_id, "accounts"), RESERVATIONS.c.state == "open")
    .group_by(SLICES.c.lot_id)
)


def void_all(conn: Connection, account_id: str, *, at: datetime, now: datetime) -> None:
    """Void all that an account has not used; extra credits are paid for as they are used."""
    rows = conn.execute(
        select(LOTS.c.id)
        .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
        .where(
            LOTS.c.account_id == account_id,
            LOTS.c.kind != LotKind.EXTRA,
            LOT_CLOSURES.c.lot_id.is_(None),
        )
        .order_by(LOTS.c.id)
    )
    _close(conn, account_id, rows.scalars().all(), ExpiryReason.VOID, at=at, now=now)


def sweep(conn: Connection, account_id: str, *, until: datetime, now: datetime) -> None:
    """Close every lot that has expired by ``until``, and empty those that got something back."""
    rows = conn.execute(_EXPIRED, {"of": account_id, "until": until})
    for lot_id, expires_at in rows.all():
        _close(conn, account_id, [lot_id], ExpiryReason.EXPIRED, at=expires_at, now=now)


def sweep_returns(conn: Connection, account_id: str, *, now: datetime) -> None:
    """Empty the closed lots that a correction or a given-up reservation put something back into."""
    for lot_id, reason in _closed_and_held(conn, account_id):
        _empty(conn, account_id, lot_id, reason, at=now, now=now)


def with_returns(conn: Connection, account_ids: Sequence[str]) -> frozenset[str]:
    """Which accounts have a closed lot that holds something which no open reservation wants."""
    held = held_on_lots_of(conn, account_ids)
    reserved = dict.fromkeys(held, 0)
    for row in conn.execute(_RESERVED, {"accounts": account_ids}):
        reserved[row.lot_id] = int(row.amount)
    closed = conn.execute(_CLOSED_AMONG, {"lots": list(held)})
    return frozenset(row.account_id for row in closed if held[row.lot_id] > reserved[row.lot_id])


def _closed_and_held(conn: Connection, account_id: str) -> list[tuple[int, ExpiryReason]]:
    """The closed lots of an account that hold anything, and why they were closed."""
    held = [lot_id for lot_id, li in held_on_lots(conn, account_id).items() if li > 0]
    if not held:
        return []
    rows = conn.execute(_CLOSED, {"lots": held})
    return [(row.lot_id, ExpiryReason(row.reason)) for row in rows]


def _close(
    conn: Connection,
    account_id: str,
    lot_ids: Sequence[int],
    reason: ExpiryReason,
    *,
    at: datetime,
    now: datetime,
) -> None:
    for lot_id in lot_ids:
        closed = {
            "lot_id": lot_id,
            "account_id": account_id,
            "reason": reason,
            "closed_at": at,
        }
        if insert_once(conn, LOT_CLOSURES, ["lot_id"], closed):
            _empty(conn, account_id, lot_id, reason, at=at, now=now)


def _empty(
    conn: Connection,
    account_id: str,
    lot_id: int,
    reason: ExpiryReason,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """Post away what a closed lot holds and no open reservation wants."""
    held = held_of(conn, account_id, lot_id)
    rest = held.remaining - held.reserved
    if rest <= 0:
        return
    cause = closing_cause(lot_id)
    times = conn.execute(
        select(func.count()).select_from(TRANSACTIONS).where(TRANSACTIONS.c.cause == cause)
    ).scalar_one()
    post(conn, emptying(account_id, lot_id, rest, reason, times=times, at=at, now=now))


def emptying(
    account_id: str,
    lot_id: int,
    rest: int,
    reason: ExpiryReason,
    *,
    times: int,
    at: datetime,
    now: datetime,
) -> Transaction:
    """What posts away the rest of a closed lot.

    Args:
        account_id: Whose.
        lot_id: The lot.
        rest: LI-minutes that it holds and no open reservation wants.
        reason: Why it was closed.
        times: How often that has been done before; something may come back to a closed lot.
        at: When it counts.
        now: When it is written.
    """
    cause = closing_cause(lot_id)
    return Transaction(
        account_id=account_id,
        natural_key=f"{cause}:{times}",
        cause=cause,
        description=f"{counted(rest, 'unused LI-minute')} of lot {lot_id}: {reason}",
        effective_at=at,
        recorded_at=now,
        postings=(
            Posting(ledger_account(lot_id), Unit.LI_MINUTES, -rest),
            Posting(reason, Unit.LI_MINUTES, rest),
        ),
    )


def closing_cause(lot_id: int) -> str:
    """The cause that the rest of a closed lot is posted away under."""
    return f"lot:{lot_id}:close"
