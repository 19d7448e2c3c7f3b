"""Refunds on record: what is given back of a payment, before the gateway is asked, and its answer.

    pending ──► accepted ──► returned    the customer's bank sent it back: the account is in credit
       │  ├───► declined                 nothing was given back; another try is a refund of its own
       │  └───► apart                    something else was given back than was asked for
       └──────► delayed ──► accepted | declined

What is pending or delayed counts as given back where more is asked for. An answer that comes twice,
or out of order, changes nothing; only one that says that money has moved is believed after another.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, Text, bindparam, cast, func, literal, select, text

from pricing.ledger.idempotency import FORGOTTEN
from pricing.ledger.invoices import REFUND_CAUSE
from pricing.payments.attempts import installation_id
from pricing.payments.gateway import Answer, PaymentState
from pricing.tables import INVOICES, REFUNDS, accounts_with
from pricing.tables.refunds import OPEN_REFUND


class RefundState(StrEnum):
    """Where a refund is."""

    PENDING = "pending"
    DELAYED = "delayed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RETURNED = "returned"
    APART = "apart"


OPEN = (RefundState.PENDING, RefundState.DELAYED)
"""An answer is still to come."""

GIVEN_BACK = (RefundState.ACCEPTED, RefundState.RETURNED)
"""It is in the books: the invoice was taken back by so much."""

_OF = literal(REFUND_CAUSE).concat(cast(REFUNDS.c.id, Text))
_REFUNDS = (
    select(REFUNDS, INVOICES.c.number.label("credit_note"))
    .outerjoin(INVOICES, INVOICES.c.cause == _OF)
    .order_by(REFUNDS.c.id)
)
_OF_KEY = _REFUNDS.where(REFUNDS.c.key == bindparam("of"))
_OF_ACCOUNT = _REFUNDS.where(REFUNDS.c.account_id == bindparam("of"))
_OPEN = _OF_ACCOUNT.where(text(OPEN_REFUND))


class Refund(Struct, frozen=True):
    """Money that is given back of a payment.

    Attributes:
        id: Its number.
        key: What the gateway knows it by.
        account_id: Who gets it.
        invoice: Number of the invoice that was paid.
        cause: What that is for.
        payment_key: What the payment was collected under.
        usd_micros: How much, tax included, in millionths of the currency.
        from_credit_usd_micros: What of it is paid out of the account's credit.
        currency: ISO 4217.
        keeps_credits: Whether LI-minutes that came with it stay.
        reason: Why, in words of whoever asked; empty: they were forgotten.
        state: Where it is.
        said: What the gateway says of it.
        asked_at: When it was put on record, by the account's clock.
        answered_at: When it was answered; None: it was not.
        credit_note: Number of the credit note; None: nothing of the invoice was taken back.
    """

    id: int
    key: str
    account_id: str
    invoice: str
    cause: str
    payment_key: str
    usd_micros: int
    from_credit_usd_micros: int
    currency: str
    keeps_credits: bool
    reason: str
    state: RefundState
    said: str
    asked_at: datetime
    answered_at: datetime | None
    credit_note: str | None

    @property
    def ledger_cause(self) -> str:
        """What it is booked under."""
        return f"{REFUND_CAUSE}{self.id}"

    @property
    def of_invoice_usd_micros(self) -> int:
        """What of it the invoice is taken back by."""
        return self.usd_micros - self.from_credit_usd_micros


class WantedRefund(Struct, frozen=True):
    """A refund that is about to be put on record.

    Attributes:
        account_id: Who gets it.
        invoice: Number of the invoice that was paid.
        cause: What that is for.
        payment_key: What the payment was collected under; None: the gateway keeps no books.
        usd_micros: How much, tax included.
        from_credit_usd_micros: What of it is paid out of the account's credit.
        currency: ISO 4217.
        keeps_credits: Whether LI-minutes that came with it stay.
        reason: Why, in words of whoever asks.
        request_id: The caller's id, or one that was made for it.
        asked: A digest of all that is asked.
    """

    account_id: str
    invoice: str
    cause: str
    payment_key: str | None
    usd_micros: int
    from_credit_usd_micros: int
    currency: str
    keeps_credits: bool
    reason: str
    request_id: str
    asked: str


def begin_refund(conn: Connection, wanted: WantedRefund, *, now: datetime) -> Refund:
    """Put on record that the gateway is going to be asked; the account's books are locked.

    Args:
        conn: An open write transaction; once it is committed the gateway may be asked.
        wanted: What is given back.
        now: The account's instant.
    """
    payment_key = wanted.payment_key
    if payment_key is None:
        # What it would be, had it been put on record before it was asked for.
        payment_key = f"{installation_id(conn)}:{wanted.cause}:1"
    before = select(func.count()).where(REFUNDS.c.payment_key == payment_key)
    number = conn.execute(before.select_from(REFUNDS)).scalar_one() + 1
    key = f"{payment_key}:refund:{number}:{wanted.usd_micros}"
    conn.execute(
        REFUNDS.insert().values(
            key=key,
            account_id=wanted.account_id,
            invoice=wanted.invoice,
            cause=wanted.cause,
            payment_key=payment_key,
            usd_micros=wanted.usd_micros,
            from_credit_usd_micros=wanted.from_credit_usd_micros,
            currency=wanted.currency,
            keeps_credits=wanted.keeps_credits,
            request_id=wanted.request_id,
            asked=wanted.asked,
            reason=wanted.reason,
            state=RefundState.PENDING,
            said="",
            asked_at=now,
        )
    )
    found = find_refund(conn, key)
    assert found is not None, key
    return found


def find_refund(conn: Connection, key: str) -> Refund | None:
    """The refund that the gateway knows by that key; None: there is none."""
    row = conn.execute(_OF_KEY, {"of": key}).one_or_none()
    return None if row is None else _refund(row)


def refund_of_request(conn: Connection, account_id: str, request_id: str) -> Refund | None:
    """The refund that a request asked for; None: it asked for none."""
    found = conn.execute(
        _OF_ACCOUNT.where(REFUNDS.c.request_id == request_id), {"of": account_id}
    ).one_or_none()
    return None if found is None else _refund(found)


def refunds_of(conn: Connection, account_id: str) -> tuple[Refund, ...]:
    """Every refund of an account, in the order in which they were asked for."""
    return tuple(_refund(row) for row in conn.execute(_OF_ACCOUNT, {"of": account_id}))


def open_refunds(conn: Connection, account_id: str) -> tuple[Refund, ...]:
    """Those of them that an answer is still to come of."""
    return tuple(_refund(row) for row in conn.execute(_OPEN, {"of": account_id}))


def open_refund_asking(conn: Connection, account_id: str, asked: str, made: str) -> str | None:
    """The request id of an open refund that asks the same, if it was made for its caller.

    Args:
        conn: An open connection.
        account_id: Whose.
        asked: The digest of what is asked.
        made: How ids begin that were made for a caller.
    """
    found = conn.execute(
        select(REFUNDS.c.request_id)
        .where(
            REFUNDS.c.account_id == account_id,
            text(OPEN_REFUND),
            REFUNDS.c.asked == asked,
            REFUNDS.c.request_id.startswith(made),
        )
        .order_by(REFUNDS.c.id)
        .limit(1)
    )
    request_id: str | None = found.scalar_one_or_none()
    return request_id


def accounts_with_open_refunds(conn: Connection, after: str, *, limit: int) -> tuple[str, ...]:
    """The next accounts, by id, that have any."""
    return accounts_with(conn, REFUNDS, text(OPEN_REFUND), after, limit=limit)


def refunded_of(
    conn: Connection, cause: str, *, also_open: bool = True, other_than: int | None = None
) -> int:
    """Micro-dollars that were given back of what was paid for a cause, tax included, and stay so.

    What the customer's bank has sent back is here again.

    Args:
        conn: An open connection.
        cause: What was paid.
        also_open: Those that an answer is to come of count too.
        other_than: The number of a refund that does not count; None: all do.
    """
    states = (RefundState.ACCEPTED, *(OPEN if also_open else ()))
    given = select(func.coalesce(func.sum(REFUNDS.c.usd_micros), 0)).where(
        REFUNDS.c.cause == cause, REFUNDS.c.state.in_(states)
    )
    if other_than is not None:
        given = given.where(REFUNDS.c.id != other_than)
    return int(conn.execute(given).scalar_one())


def note_refund_answer(
    conn: Connection, refund: Refund, answer: Answer, *, left_usd_micros: int, now: datetime
) -> Refund:
    """Put an answer on record; one that comes twice, or after a better one, changes nothing.

    Args:
        conn: An open write transaction; the account's books are locked.
        refund: As it is on record.
        answer: What the gateway says.
        left_usd_micros: What was paid, less what is given back by other refunds.
        now: The account's instant.

    Returns:
        The refund as it is then.
    """
    state = _state_after(refund, answer, left_usd_micros)
    if state is refund.state:
        return refund
    said = answer.reason
    if state is RefundState.APART:
        amount = answer.collected_usd_micros
        given = refund.usd_micros if amount is None else amount
        said = f"{given} millionths of {answer.currency} were given back"
    conn.execute(
        REFUNDS.update()
        .where(REFUNDS.c.id == refund.id)
        .values(state=state, said=said, answered_at=now)
    )
    after = find_refund(conn, refund.key)
    assert after is not None, refund.key
    return after


def forget_reasons(conn: Connection, account_id: str) -> None:
    """Keep of an account's refunds that there were some, and nobody's words about them."""
    forgotten = {"reason": "", "asked": FORGOTTEN}
    conn.execute(REFUNDS.update().where(REFUNDS.c.account_id == account_id).values(forgotten))


def _state_after(refund: Refund, answer: Answer, left_usd_micros: int) -> RefundState:
    before, amount = refund.state, answer.collected_usd_micros
    if before in {RefundState.RETURNED, RefundState.APART}:
        return before
    if before is RefundState.ACCEPTED:
        is_back = answer.state is PaymentState.DECLINED
        return RefundState.RETURNED if is_back else before
    if answer.state is PaymentState.ACCEPTED:
        is_asked = amount in {None, refund.usd_micros} and answer.currency == refund.currency
        fits = is_asked and refund.usd_micros <= left_usd_micros
        return RefundState.ACCEPTED if fits else RefundState.APART
    if before is RefundState.DECLINED:
        return before
    is_declined = answer.state is PaymentState.DECLINED
    return RefundState.DECLINED if is_declined else RefundState.DELAYED


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        id=row.id,
        key=row.key,
        account_id=row.account_id,
        invoice=row.invoice,
        cause=row.cause,
        payment_key=row.payment_key,
        usd_micros=int(row.usd_micros),
        from_credit_usd_micros=int(row.from_credit_usd_micros),
        currency=row.currency,
        keeps_credits=row.keeps_credits,
        reason=row.reason,
        state=RefundState(row.state),
        said=row.said,
        asked_at=row.asked_at,
        answered_at=row.answered_at,
        credit_note=row.credit_note,
    )
