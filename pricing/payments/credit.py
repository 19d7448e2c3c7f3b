"""What an account is in credit, what of that is free, and what of a price is set off against it.

Credit is money that was collected and is owed to the account: paid for runs that cost less in the
end, collected for what could not be had, credited by hand. It is on the ledger account ``credit``.

A price is set off against it first, and the gateway asked for the rest. Until that has answered,
what is to be set off is kept for it; so is what a refund that is under way pays out.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, func, select, text

from pricing.ledger.ledger import Posting, Transaction, balance
from pricing.ledger.taxed import RECEIVABLE
from pricing.payments.attempts import AttemptState, Outcome, latest_attempt
from pricing.payments.gateway import PaymentState
from pricing.plans.channels import CAPABILITIES, Channel
from pricing.plans.quotes import Unit
from pricing.tables import PAYMENT_ATTEMPTS, PAYMENTS, REFUNDS
from pricing.tables.payments import OPEN_ATTEMPT
from pricing.tables.refunds import OPEN_REFUND

CREDIT = "credit"
"""Ledger account of what an account has paid and got back; negative, since it is owed to it."""

_PAID_OUT = select(func.coalesce(func.sum(REFUNDS.c.from_credit_usd_micros), 0)).where(
    REFUNDS.c.account_id == bindparam("of"), text(OPEN_REFUND)
)
_ASKED = select(func.coalesce(func.sum(PAYMENT_ATTEMPTS.c.set_off_usd_micros), 0)).where(
    PAYMENT_ATTEMPTS.c.account_id == bindparam("of"),
    PAYMENT_ATTEMPTS.c.purpose != bindparam("besides"),
    text(OPEN_ATTEMPT),
)
_IS_ASKED = exists().where(PAYMENT_ATTEMPTS.c.purpose == PAYMENTS.c.cause, text(OPEN_ATTEMPT))
# What a gateway that keeps no attempts on record has not answered.
_DELAYED = select(func.coalesce(func.sum(PAYMENTS.c.set_off_usd_micros), 0)).where(
    PAYMENTS.c.account_id == bindparam("of"),
    PAYMENTS.c.cause != bindparam("besides"),
    PAYMENTS.c.state == PaymentState.DELAYED,
    ~_IS_ASKED,
)


def credit_of(conn: Connection, account_id: str) -> int:
    """Micro-dollars that an account is in credit."""
    return -balance(conn, account_id, CREDIT, Unit.USD)


def free_credit_of(conn: Connection, account_id: str, *, besides: str = "") -> int:
    """Micro-dollars of an account's credit that are kept for nothing that is on its way.

    Args:
        conn: An open connection.
        account_id: Whose.
        besides: The purpose of a payment for which it may be kept; empty: of none.
    """
    credit = credit_of(conn, account_id)
    if credit <= 0:
        return 0
    given = {"of": account_id, "besides": besides}
    kept = sum(
        int(conn.execute(each, given).scalar_one()) for each in (_PAID_OUT, _ASKED, _DELAYED)
    )
    return max(credit - kept, 0)


def still_covers(conn: Connection, account_id: str, purpose: str, set_off_usd_micros: int) -> bool:
    """Whether what a payment was to set off is still there; nothing always is."""
    return not set_off_usd_micros or set_off_usd_micros <= free_credit_of(
        conn, account_id, besides=purpose
    )


def to_set_off(
    conn: Connection, account_id: str, purpose: str, usd_micros: int, channel: Channel
) -> int:
    """How much of a price is set off against credit; the gateway is asked for the rest.

    Nothing where a contract is charged elsewhere, which cannot be charged less (C80). Of what was
    asked for and is not declined, as much as then: that is kept for it. Where it is gone all the
    same, since a bank that had said no says yes, less.

    Args:
        conn: An open write transaction; the account's books are locked.
        account_id: Who pays.
        purpose: What the payment is known by.
        usd_micros: The price, tax included.
        channel: How the account pays.
    """
    if not CAPABILITIES[channel].charges_at_once or credit_of(conn, account_id) <= 0:
        return 0
    free = free_credit_of(conn, account_id, besides=purpose)
    asked = latest_attempt(conn, purpose)
    if asked is not None and asked.request.price_usd_micros == usd_micros:
        kept = asked.request.set_off_usd_micros
        is_there = asked.state is AttemptState.ACCEPTED and asked.outcome is None
        is_kept = is_there or asked.state in {AttemptState.PENDING, AttemptState.DELAYED}
        if asked.outcome is Outcome.BOOKED or (is_kept and kept <= free):
            return kept
    return min(usd_micros, free)


def credit_entry(
    account_id: str,
    key: str,
    cause: str,
    usd_micros: int,
    description: str,
    *,
    at: datetime,
    now: datetime,
) -> Transaction:
    """What moves from an account's receivable to its credit; negative: it is set off.

    Args:
        account_id: Whose.
        key: Natural key of the entry.
        cause: What was paid, or is.
        usd_micros: How much of it.
        description: For people.
        at: When it counts.
        now: When it is written.
    """
    return Transaction(
        account_id=account_id,
        natural_key=key,
        cause=cause,
        description=description,
        effective_at=at,
        recorded_at=now,
        postings=(
            Posting(RECEIVABLE, Unit.USD, usd_micros),
            Posting(CREDIT, Unit.USD, -usd_micros),
        ),
    )


def set_off_key(cause: str) -> str:
    """How the natural keys begin of what of a charge was set off against credit."""
    return f"{cause}:set-off"
