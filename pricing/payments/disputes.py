"""Disputes on record: a customer contests a payment at the bank, which decides whose the money is.

    opened ──► withdrawn ──► won     the money comes again
       │           └───────► lost    it does not: it is written off (C75)
       └──────► won | lost           without a word of the money, which a lost one has taken too

What a gateway says of one may come twice and in any order: each thing that happens is booked once,
whatever was heard before it, and what was decided first stays decided.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, func, select

from kernel.errors import BadInputError
from pricing.payments.asking import USD_MICROS_MAX
from pricing.payments.attempts import Attempt, Outcome
from pricing.payments.gateway import USD
from pricing.tables import DISPUTES, insert_once

NAME_LETTERS_MAX = 200
DISPUTE_CAUSE = "dispute:"
"""Prefix of what disputes are booked under."""

_DISPUTES = select(DISPUTES).order_by(DISPUTES.c.id)
_OF_NAME = _DISPUTES.where(DISPUTES.c.name == bindparam("of"))
_OF_ACCOUNT = _DISPUTES.where(DISPUTES.c.account_id == bindparam("of"))
_OF_PAYMENT = _DISPUTES.where(DISPUTES.c.payment_key == bindparam("of"))


class DisputeEvent(StrEnum):
    """What a gateway tells of a dispute.

    WITHDRAWN: the money was taken from the seller's balance until it is decided.
    """

    OPENED = "opened"
    WITHDRAWN = "withdrawn"
    WON = "won"
    LOST = "lost"


class DisputeState(StrEnum):
    """Where a dispute is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class DisputeNotice(Struct, frozen=True):
    """What a gateway says of a dispute.

    Attributes:
        name: What it calls the dispute.
        event: What has happened.
        usd_micros: How much is contested, in millionths of the currency.
        currency: ISO 4217.
        fee_usd_micros: What it takes for the dispute itself; it is not given back by a dispute that
            is won (https://docs.stripe.com/disputes/how-disputes-work).
    """

    name: str
    event: DisputeEvent
    usd_micros: int
    currency: str = USD
    fee_usd_micros: int = 0


class Dispute(Struct, frozen=True):
    """A payment that is contested.

    Attributes:
        id: Its number.
        name: What the gateway calls it.
        payment_key: What the payment was collected under.
        account_id: Whose.
        usd_micros: How much is contested, in millionths of the currency.
        currency: ISO 4217.
        fee_usd_micros: What the gateway took for it.
        is_booked: Whether it is in the ledger: money that is apart is not.
        state: Where it is.
        opened_at: When it was heard of, by the account's clock.
        withdrawn_at: When the money was taken; None: it was not.
        closed_at: When it was decided; None: it was not.
    """

    id: int
    name: str
    payment_key: str
    account_id: str
    usd_micros: int
    currency: str
    fee_usd_micros: int
    is_booked: bool
    state: DisputeState
    opened_at: datetime
    withdrawn_at: datetime | None
    closed_at: datetime | None

    @property
    def ledger_cause(self) -> str:
        """What it is booked under."""
        return f"{DISPUTE_CAUSE}{self.id}"


def checked_notice(notice: DisputeNotice) -> DisputeNotice:
    """What somebody else's program says of a dispute, looked at.

    Raises:
        BadInputError: If it is none.
    """
    if not isinstance(notice.name, str) or not notice.name.isprintable():
        raise BadInputError("a dispute has a name of printable letters at its gateway")
    if not 0 < len(notice.name) <= NAME_LETTERS_MAX:
        raise BadInputError(f"the name of a dispute has 1 to {NAME_LETTERS_MAX} letters")
    if not isinstance(notice.event, DisputeEvent):
        raise BadInputError(f"a dispute is {', '.join(DisputeEvent)}, and nothing else")
    amount, fee = notice.usd_micros, notice.fee_usd_micros
    if type(amount) is not int or not 0 < amount <= USD_MICROS_MAX:
        raise BadInputError(f"dispute {notice.name}: it is of no amount")
    if type(fee) is not int or not 0 <= fee <= USD_MICROS_MAX:
        raise BadInputError(f"dispute {notice.name}: its fee is no amount")
    if not isinstance(notice.currency, str) or len(notice.currency) != len(USD):
        raise BadInputError(f"dispute {notice.name}: it is in no currency")
    return notice


def note_dispute(
    conn: Connection, payment: Attempt, notice: DisputeNotice, *, now: datetime
) -> Dispute:
    """Put on record what a gateway says of a dispute; twice, or out of order, it is the same.

    Args:
        conn: An open write transaction; the account's books are locked.
        payment: What is contested; it was collected.
        notice: Looked at.
        now: The account's instant.

    Raises:
        BadInputError: If the dispute is of another payment, of another amount than before, or with
            the others of more than was collected.
    """
    known = _find(conn, notice.name)
    if known is None:
        known = _open(conn, payment, notice, now)
    what = (known.payment_key, known.usd_micros, known.currency)
    if what != (payment.request.key, notice.usd_micros, notice.currency):
        raise BadInputError(
            f"dispute {notice.name} is of another payment, or of another amount, than it was before"
        )
    changes: dict[str, object] = {}
    if notice.event in {DisputeEvent.WITHDRAWN, DisputeEvent.LOST} and known.withdrawn_at is None:
        changes["withdrawn_at"] = now
    if notice.fee_usd_micros and not known.fee_usd_micros:
        changes["fee_usd_micros"] = notice.fee_usd_micros
    is_decided = notice.event in {DisputeEvent.WON, DisputeEvent.LOST}
    if is_decided and known.state is DisputeState.OPEN:
        changes |= {"state": DisputeState(notice.event), "closed_at": now}
    elif notice.event is DisputeEvent.LOST and known.state is DisputeState.WON:
        # What was decided first stays so; nothing more has left.
        changes.pop("withdrawn_at", None)
    if changes:
        conn.execute(DISPUTES.update().where(DISPUTES.c.id == known.id).values(changes))
    found = _find(conn, notice.name)
    assert found is not None, notice.name
    return found


def disputes_of(conn: Connection, account_id: str) -> tuple[Dispute, ...]:
    """Every dispute of an account's payments, in the order in which they were heard of."""
    return tuple(_dispute(row) for row in conn.execute(_OF_ACCOUNT, {"of": account_id}))


def disputes_of_payment(conn: Connection, payment_key: str) -> tuple[Dispute, ...]:
    """Every dispute of one payment."""
    return tuple(_dispute(row) for row in conn.execute(_OF_PAYMENT, {"of": payment_key}))


def disputed_usd_micros(conn: Connection, account_id: str) -> int:
    """What of an account's payments is contested and not decided."""
    contested = select(func.coalesce(func.sum(DISPUTES.c.usd_micros), 0)).where(
        DISPUTES.c.account_id == account_id,
        DISPUTES.c.state == DisputeState.OPEN,
        DISPUTES.c.currency == USD,
    )
    return int(conn.execute(contested).scalar_one())


def _open(conn: Connection, payment: Attempt, notice: DisputeNotice, now: datetime) -> Dispute:
    request = payment.request
    collected = payment.collected_micros or request.usd_micros
    currency = payment.collected_currency or request.currency
    others = sum(
        each.usd_micros
        for each in disputes_of_payment(conn, request.key)
        if each.state is not DisputeState.WON
    )
    if notice.currency != currency or notice.usd_micros > collected - others:
        raise BadInputError(
            f"dispute {notice.name} is of more than was collected under {request.key}, or in"
            " another currency"
        )
    is_booked = payment.outcome in {Outcome.BOOKED, Outcome.CREDIT} and currency == USD
    row = {
        "name": notice.name,
        "payment_key": request.key,
        "account_id": request.account_id,
        "usd_micros": notice.usd_micros,
        "currency": notice.currency,
        "fee_usd_micros": 0,
        "booked": "yes" if is_booked else "apart",
        "state": DisputeState.OPEN,
        "opened_at": now,
    }
    insert_once(conn, DISPUTES, ["name"], row)
    found = _find(conn, notice.name)
    assert found is not None, notice.name
    return found


def _find(conn: Connection, name: str) -> Dispute | None:
    row = conn.execute(_OF_NAME, {"of": name}).one_or_none()
    return None if row is None else _dispute(row)


def _dispute(row: Row[Any]) -> Dispute:
    return Dispute(
        id=row.id,
        name=row.name,
        payment_key=row.payment_key,
        account_id=row.account_id,
        usd_micros=int(row.usd_micros),
        currency=row.currency,
        fee_usd_micros=int(row.fee_usd_micros),
        is_booked=row.booked == "yes",
        state=DisputeState(row.state),
        opened_at=row.opened_at,
        withdrawn_at=row.withdrawn_at,
        closed_at=row.closed_at,
    )
