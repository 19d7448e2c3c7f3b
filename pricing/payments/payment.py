"""A payment as it is on record, and how it stands in the books once it was accepted."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pricing.ledger.ledger import Posting, Transaction
from pricing.payments.gateway import Answer, PaymentRequest, PaymentState
from pricing.plans.channels import Channel
from pricing.plans.quotes import Unit

CASH = "cash"
"""Ledger account of what was collected."""


class Payment(Struct, frozen=True, gc=False):
    """What was asked of the gateway, and what it answered.

    Attributes:
        cause: What is paid: ``subscription:1:period:3``.
        account_id: Who pays.
        usd_micros: How much: what was collected, or else what was asked for.
        channel: Through what.
        state: Where it is.
        reason: For people.
        rehearsed: Whether the gateway collects nothing; None: an earlier version asked.
        had_card: Whether the account had a card on record; None: an earlier version asked.
        key: What the gateway collected it under; None: it keeps no books of its own.
        set_off_usd_micros: What of the price is set off against credit besides.
    """

    cause: str
    account_id: str
    usd_micros: int
    channel: Channel
    state: PaymentState
    reason: str
    rehearsed: bool | None
    had_card: bool | None
    key: str | None = None
    set_off_usd_micros: int = 0


def payment_of(
    request: PaymentRequest, cause: str, answer: Answer, *, is_rehearsed: bool
) -> Payment:
    """What has become of a request."""
    collected = answer.collected_usd_micros
    return Payment(
        cause=cause,
        account_id=request.account_id,
        usd_micros=request.usd_micros if collected is None else collected,
        channel=request.channel,
        state=answer.state,
        reason=answer.reason,
        rehearsed=is_rehearsed,
        had_card=request.card is not None,
        key=answer.key,
        set_off_usd_micros=request.set_off_usd_micros,
    )


def identity_row(payment: Payment) -> dict[str, object]:
    """The columns that never change."""
    return {"cause": payment.cause, "account_id": payment.account_id}


def outcome_row(payment: Payment) -> dict[str, object]:
    """The columns that another try changes, but for when that was."""
    return {
        "usd_micros": payment.usd_micros,
        "channel": payment.channel,
        "state": payment.state,
        "reason": payment.reason,
        "rehearsed": payment.rehearsed,
        "had_card": payment.had_card,
        "key": payment.key,
        "set_off_usd_micros": payment.set_off_usd_micros,
    }


def entry_of(payment: Payment, *, at: datetime, now: datetime) -> Transaction:
    """An accepted payment as it stands in the books.

    Args:
        payment: It.
        at: When it counts.
        now: When it is written.
    """
    return Transaction(
        account_id=payment.account_id,
        natural_key=f"{payment.cause}:payment",
        cause=payment.cause,
        description=_description(payment),
        effective_at=at,
        recorded_at=now,
        postings=(
            Posting(CASH, Unit.USD, payment.usd_micros),
            Posting("receivable", Unit.USD, -payment.usd_micros),
        ),
    )


def _description(payment: Payment) -> str:
    """What the ledger says of a payment; of an earlier version's only the channel is known."""
    what = "rehearsed payment" if payment.rehearsed else "payment"
    if payment.channel is Channel.CARD and payment.had_card is False:
        return f"{what}, no card on file"
    return f"{what} by {payment.channel}"
