"""The documents of ``books``: months that are closed, and a ledger that was exported or checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to

if TYPE_CHECKING:
    from engine.commands.books import ExportedBooks
    from pricing.ledger.closing import ClosedMonth


def closed_month_document(closed: ClosedMonth) -> dict[str, Any]:
    """One closed month; instants are in UTC, as months are."""
    in_utc = local_to("UTC")
    return {
        "month": closed.month,
        "ends_at": in_utc(closed.ends_at),
        "closed_at": in_utc(closed.closed_at),
        "command": closed.command,
    }


def closed_months_document(closed: Sequence[ClosedMonth]) -> dict[str, Any]:
    """All closed months, oldest first."""
    return {"months": [closed_month_document(each) for each in closed]}


def exported_books_document(exported: ExportedBooks) -> dict[str, Any]:
    """What a file holds; the trial balance is zero in each unit."""
    return {
        "file": str(exported.file),
        "account": exported.account_id,
        "postings": exported.postings,
        "last_posting": exported.last_posting,
        "trial_balance": dict(exported.trial_balance),
    }
