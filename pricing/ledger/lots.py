"""Credits are lots: dated amounts of LI-minutes that are burned in a written order.

What is left of a lot is the balance of its ledger account ``lot:<id>``; what of it is spoken for
are the slices that open reservations hold. A lot itself never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, Subquery, and_, bindparam, func, or_, select

from kernel.errors import InvariantBrokenError
from pricing.ledger.balances import LOT_PREFIX, balance, held_on_lots
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.plans.quotes import Unit
from pricing.tables import (
    ACCOUNTS,
    LOT_CLOSURES,
    LOTS,
    RESERVATIONS,
    SLICES,
    among,
    insert_once,
)

_AMOUNTS = select(LOTS.c.id, LOTS.c.amount).where(among(LOTS.c.id, "lots")).order_by(LOTS.c.id)

ISSUED = "issued"
"""The ledger account that all LI-minutes come from."""


class LotKind(StrEnum):
    """Where a lot comes from."""

    TRIAL = "trial"
    PLAN = "plan"
    UPGRADE = "upgrade"
    BOOST = "boost"
    EXTRA = "extra"


PRIORITIES = {
    LotKind.TRIAL: 10,
    LotKind.PLAN: 20,
    LotKind.UPGRADE: 20,
    LotKind.BOOST: 30,
    LotKind.EXTRA: 90,
}
"""Lower burns first."""


class LotOutOfBoundsError(InvariantBrokenError):
    """A lot holds less than nothing, or more than it was; facts: ``lot``, ``balance``."""

    code = "lot_out_of_bounds"


class Lot(Struct, frozen=True):
    """A lot as it stands.

    Attributes:
        id: Its number.
        kind: Where it comes from.
        amount: LI-minutes granted.
        remaining: LI-minutes not used.
        reserved: LI-minutes of the remaining ones that open reservations hold.
        effective_at: Usable from.
        expires_at: Usable until, exclusive; None: it does not expire.
        cause: The natural key of what granted it.
    """

    id: int
    kind: LotKind
    amount: int
    remaining: int
    reserved: int
    effective_at: datetime
    expires_at: datetime | None
    cause: str

    @property
    def available(self) -> int:
        """LI-minutes that a new reservation may take."""
        return self.remaining - self.reserved


class Slice(Struct, frozen=True):
    """A part of a lot."""

    lot_id: int
    amount: int


class Grant(Struct, frozen=True, gc=False):
    """LI-minutes to be given, once per cause."""

    kind: LotKind
    amount: int
    effective_at: datetime
    expires_at: datetime | None
    cause: str
    description: str


class Held(Struct, frozen=True):
    """LI-minutes on a lot, and those of them that open reservations hold."""

    remaining: int
    reserved: int


def ledger_account(lot_id: int) -> str:
    """The ledger account of a lot."""
    return f"{LOT_PREFIX}{lot_id}"


def grant(conn: Connection, account_id: str, given: Grant, *, now: datetime) -> None:
    """Create a lot and fill it, unless its cause has granted before."""
    filling = create_lot(conn, account_id, given, now=now)
    if filling is not None:
        post(conn, filling)


def create_lot(
    conn: Connection, account_id: str, given: Grant, *, now: datetime
) -> Transaction | None:
    """Create a lot, and say what must be posted to fill it; None: its cause has granted before."""
    row = insert_once(conn, LOTS, ["cause"], lot_row(account_id, given, now=now))
    return None if row is None else filling_of(account_id, row.id, given, now=now)


def lot_row(account_id: str, given: Grant, *, now: datetime) -> dict[str, object]:
    """The row of the lot that a grant makes, but for its number."""
    return {
        "account_id": account_id,
        "kind": given.kind,
        "priority": PRIORITIES[given.kind],
        "amount": given.amount,
        "effective_at": given.effective_at,
        "expires_at": given.expires_at,
        "created_at": now,
        "cause": given.cause,
    }


def filling_of(account_id: str, lot_id: int, given: Grant, *, now: datetime) -> Transaction:
    """What fills the lot that a grant has made."""
    return Transaction(
        account_id=account_id,
        natural_key=f"{given.cause}:grant",
        cause=given.cause,
        description=given.description,
        effective_at=given.effective_at,
        recorded_at=now,
        postings=(
            Posting(ledger_account(lot_id), Unit.LI_MINUTES, given.amount),
            Posting(ISSUED, Unit.LI_MINUTES, -given.amount),
        ),
    )


def open_lots(conn: Connection, account_id: str, at: datetime) -> tuple[Lot, ...]:
    """The lots that can be used at ``at`` and hold anything, in burn order.

    The order: priority, then expiry (none last), then creation, then id. An account that went on
    demand has none, though it may still get them back (``suspended_lots``).
    """
    return _lots_at(conn, account_id, at, _select_usable_lots())


def suspended_lots(conn: Connection, account_id: str, at: datetime) -> tuple[Lot, ...]:
    """The lots that an undo of the switch to on-demand would make usable again (C2)."""
    suspended = select(ACCOUNTS.c.suspended_since).where(ACCOUNTS.c.id == account_id)
    if conn.execute(suspended).scalar_one_or_none() is None:
        return ()
    return _lots_at(conn, account_id, at, _select_lots())


def left_lots(conn: Connection, account_id: str, at: datetime) -> tuple[Lot, ...]:
    """The lots that are open at an instant in burn order, suspended or not."""
    return _lots_at(conn, account_id, at, _select_lots())


def held_of(conn: Connection, account_id: str, lot_id: int) -> Held:
    """What one lot holds, closed or not."""
    open_slices = _open_slices()
    reserved = select(func.coalesce(func.sum(open_slices.c.amount), 0)).where(
        open_slices.c.lot_id == lot_id
    )
    return Held(
        remaining=balance(conn, account_id, ledger_account(lot_id), Unit.LI_MINUTES),
        reserved=int(conn.execute(reserved, {"account_id": account_id}).scalar_one()),
    )


def _open_slices() -> Subquery:
    """``lot_id`` and ``amount`` of what open reservations of the account ``account_id`` hold."""
    return (
        select(SLICES.c.lot_id, SLICES.c.amount)
        .join(RESERVATIONS, RESERVATIONS.c.run_id == SLICES.c.run_id)
        .where(RESERVATIONS.c.account_id == bindparam("account_id"), RESERVATIONS.c.state == "open")
        .subquery()
    )


def _lots_at(
    conn: Connection, account_id: str, at: datetime, statement: Select[Any]
) -> tuple[Lot, ...]:
    held = {lot_id: li for lot_id, li in held_on_lots(conn, account_id).items() if li > 0}
    wanted = {"account_id": account_id, "held": list(held), "at": at}
    return tuple(
        Lot(
            id=row.id,
            kind=LotKind(row.kind),
            amount=row.amount,
            remaining=held[row.id],
            reserved=int(row.reserved),
            effective_at=row.effective_at,
            expires_at=row.expires_at,
            cause=row.cause,
        )
        for row in conn.execute(statement, wanted)
    )


@cache
def _select_lots() -> Select[Any]:
    """Of the lots ``held``, those that are open ``at`` an instant, and what of them is reserved."""
    open_slices = _open_slices()
    reserved = (
        select(open_slices.c.lot_id, func.sum(open_slices.c.amount).label("amount"))
        .group_by(open_slices.c.lot_id)
        .subquery()
    )
    at = bindparam("at", type_=LOTS.c.expires_at.type)
    return (
        select(LOTS, func.coalesce(reserved.c.amount, 0).label("reserved"))
        .outerjoin(reserved, reserved.c.lot_id == LOTS.c.id)
        .outerjoin(LOT_CLOSURES, LOT_CLOSURES.c.lot_id == LOTS.c.id)
        .where(
            LOT_CLOSURES.c.lot_id.is_(None),
            among(LOTS.c.id, "held"),
            LOTS.c.effective_at <= at,
            or_(LOTS.c.expires_at.is_(None), LOTS.c.expires_at > at),
        )
        .order_by(
            LOTS.c.priority,
            LOTS.c.expires_at.is_(None),
            LOTS.c.expires_at,
            LOTS.c.created_at,
            LOTS.c.id,
        )
    )


@cache
def _select_usable_lots() -> Select[Any]:
    """The same, of an account that did not go on demand."""
    return _select_lots().join(
        ACCOUNTS, and_(ACCOUNTS.c.id == LOTS.c.account_id, ACCOUNTS.c.suspended_since.is_(None))
    )


def take(lots: Iterable[Lot], needed: int) -> tuple[Slice, ...]:
    """Slices of ``needed`` LI-minutes in all, from the first lots on; fewer if there is no more."""
    slices = []
    for lot in lots:
        amount = min(lot.available, needed)
        if amount > 0:
            slices.append(Slice(lot.id, amount))
            needed -= amount
    return tuple(slices)


def give_back(slices: Iterable[Slice], returned: int) -> tuple[Slice, ...]:
    """What each lot gets back of what was taken from it, the last taken first."""
    slices_back = []
    for taken in reversed(tuple(slices)):
        amount = min(taken.amount, returned)
        if amount > 0:
            slices_back.append(Slice(taken.lot_id, amount))
            returned -= amount
    return tuple(slices_back)


def check_bounds(conn: Connection, account_id: str, lot_ids: Iterable[int]) -> None:
    """No lot holds less than nothing, or more than it was granted.

    Raises:
        LotOutOfBoundsError: If one does; the transaction must not be committed.
    """
    wanted = list(lot_ids)
    if not wanted:
        return
    on_lots = held_on_lots(conn, account_id)
    for lot_id, amount in conn.execute(_AMOUNTS, {"lots": wanted}):
        held = on_lots.get(lot_id, 0)
        if not 0 <= held <= amount:
            raise LotOutOfBoundsError(
                f"lot {lot_id} of account {account_id} would hold {held} of {amount} LI-minutes",
                lot=lot_id,
                balance=held,
            )
