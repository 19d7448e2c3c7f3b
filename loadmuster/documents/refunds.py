"""The documents of ``account refund``, ``account refunds`` and ``account disputes``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.payments.disputes import Dispute
    from pricing.payments.refunds import Refund


def refund_document(refund: Refund, timezone: str) -> dict[str, Any]:
    """One refund; instants are in the account's zone, ``usd`` is with tax."""
    local = local_to(timezone)
    return {
        "id": refund.id,
        "account": refund.account_id,
        "invoice": refund.invoice,
        "credit_note": refund.credit_note,
        "usd": format_usd(refund.usd_micros),
        "of_credit_usd": format_usd(refund.from_credit_usd_micros),
        "currency": refund.currency,
        "state": refund.state.value,
        "said": refund.said,
        "reason": refund.reason,
        "keeps_credits": refund.keeps_credits,
        "key": refund.key,
        "asked_at": local(refund.asked_at),
        "answered_at": None if refund.answered_at is None else local(refund.answered_at),
    }


def refunds_document(account_id: str, refunds: Sequence[Refund], timezone: str) -> dict[str, Any]:
    """All refunds of an account, oldest first."""
    return {"id": account_id, "refunds": [refund_document(each, timezone) for each in refunds]}


def disputes_document(
    account_id: str, disputes: Sequence[Dispute], timezone: str
) -> dict[str, Any]:
    """All disputes of an account's payments, oldest first; instants are in the account's zone."""
    local = local_to(timezone)
    return {
        "id": account_id,
        "disputes": [
            {
                "id": each.id,
                "name": each.name,
                "payment": each.payment_key,
                "amount": format_usd(each.usd_micros),
                "fee": format_usd(each.fee_usd_micros),
                "currency": each.currency,
                "state": each.state.value,
                "booked": each.is_booked,
                "opened_at": local(each.opened_at),
                "withdrawn_at": None if each.withdrawn_at is None else local(each.withdrawn_at),
                "closed_at": None if each.closed_at is None else local(each.closed_at),
            }
            for each in disputes
        ],
    }
