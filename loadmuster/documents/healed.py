"""The document of what healing an account undoes, or has undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadmuster.documents.account import transaction_row
from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.accounts.healing import Healing


def healing_document(account: Account, healing: Healing, *, done: bool) -> dict[str, Any]:
    """What ``account heal`` answers with; ``done`` is false for what it would undo.

    Example:
        {"id": "acme", "needed": true, "done": true, "at": "2026-11-30T14:00:00+00:00",
         "last": "2029-01-25T00:00:00+00:00", "usd": "5174.00", "credit_note": "acme-00028",
         "transactions": [...], "invoices": [{"number": "acme-00002", ...}], "periods": [...],
         "lots": [...], "expiries": [...], "changes": [...]}

        ``transactions`` are those that are undone, as ``ledger`` shows them; ``usd`` is what they
        had charged. Instants are in the account's zone.
    """
    local = local_to(account.timezone)
    return {
        "id": account.id,
        "needed": healing.is_needed,
        "done": done,
        "at": local(healing.at),
        "last": local(healing.last),
        "usd": format_usd(healing.usd_micros),
        "credit_note": healing.credit_note,
        "transactions": [transaction_row(each, local) for each in healing.entries],
        "invoices": [
            {
                "number": each.number,
                "issued_at": local(each.issued_at),
                "usd": format_usd(each.usd_micros),
            }
            for each in healing.invoices
        ],
        "periods": [
            {"start": local(each.start), "end": local(each.end), "payment": each.payment}
            for each in healing.periods
        ],
        "lots": [
            {
                "id": each.id,
                "kind": each.kind,
                "li_minutes": each.li_minutes,
                "effective_at": local(each.effective_at),
            }
            for each in healing.lots
        ],
        "expiries": [
            {"lot": each.lot_id, "reason": each.reason.value, "at": local(each.at)}
            for each in healing.expiries
        ],
        "changes": [{"change": each.kind.value, "at": local(each.at)} for each in healing.changes],
    }
