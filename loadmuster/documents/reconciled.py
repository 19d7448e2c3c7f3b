"""The document of ``account reconcile``: what became of payments that were unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kernel.visible import visible
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.accounts.reconciling import Reconciled


def reconciled_document(payments: Sequence[Reconciled]) -> dict[str, Any]:
    """Each payment that was unfinished, by the key that the gateway knows it by."""
    return {
        "payments": [
            {
                "account": each.account_id,
                "key": each.key,
                "purpose": each.purpose,
                "usd": format_usd(each.usd_micros),
                "became": each.became,
                "reason": each.reason,
            }
            for each in payments
        ]
    }


def reconciled_line(payment: Reconciled) -> str:
    """A payment for people: ``acme: 199.00 USD for subscription:1:period:3: booked``."""
    if payment.failure is not None:
        return f"{payment.account_id}: {payment.failure.line}"
    return (
        f"{payment.account_id}: {format_usd(payment.usd_micros)} USD for {payment.purpose}:"
        f" {_WORDS[payment.became]}" + (f" ({visible(payment.reason)})" if payment.reason else "")
    )


_WORDS = {
    "booked": "collected, and booked",
    "credit": "collected for what is void, and in credit",
    "apart": "collected, and apart until somebody has seen to it",
    "declined": "declined",
    "withdrawn": "not collected, and withdrawn",
    "pending": "pending",
    "refunded": "given back",
    "disputed": "disputed by the customer",
    "won": "disputed, and won",
    "lost": "disputed, and lost",
    "returned": "given back, sent back by the customer's bank, and in credit",
}
