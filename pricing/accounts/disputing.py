"""What a gateway says of a dispute, put on record and into the books (C75)."""

from __future__ import annotations

from sqlalchemy import Connection

from kernel.errors import BadInputError
from pricing.accounts.settling import Rim
from pricing.ledger.ledger import lock_ledger
from pricing.payments.attempts import AttemptState, find_attempt
from pricing.payments.dispute_books import book_dispute
from pricing.payments.disputes import Dispute, DisputeNotice, checked_notice, note_dispute


def heard_dispute(rim: Rim, payment_key: str, notice: DisputeNotice) -> Dispute | None:
    """Take a gateway's message about a dispute, which may come late, twice, or out of order.

    Args:
        rim: What is outside.
        payment_key: What the payment was collected under.
        notice: What it says.

    Returns:
        The dispute as it is then; None: nothing was collected under that key.

    Raises:
        BadInputError: If it is no such message, or contradicts what was said before.
    """
    checked_notice(notice)
    with rim.transaction() as conn:
        return _heard(conn, payment_key, notice, rim)


def _heard(conn: Connection, payment_key: str, notice: DisputeNotice, rim: Rim) -> Dispute | None:
    payment = find_attempt(conn, payment_key)
    if payment is None:
        return None
    last = lock_ledger(conn, payment.request.account_id)
    # What its money has become may have been written meanwhile.
    payment = find_attempt(conn, payment_key)
    assert payment is not None, payment_key
    if payment.state not in {AttemptState.ACCEPTED, AttemptState.DISPUTED}:
        raise BadInputError(
            f"dispute {notice.name}: nothing was collected under {payment_key}, as far as is known"
        )
    if payment.outcome is None:
        raise BadInputError(
            f"dispute {notice.name}: the money of {payment_key} has no place yet; `loadmuster"
            f" account reconcile {payment.request.account_id}` gives it one"
        )
    at = rim.now if last is None else max(rim.now, last)
    dispute = note_dispute(conn, payment, notice, now=at)
    book_dispute(conn, dispute, at=at)
    return dispute
