"""The documents of invoices: all of an account's, and where the page of one went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.ledger.invoices import Invoice


def invoices_document(
    issued: Sequence[Invoice], timezone: str, *, payments_rehearsed: bool
) -> dict[str, Any]:
    """The contract's document of ``invoices``; instants are in the account's zone."""
    local = local_to(timezone)
    return {
        "payments_rehearsed": payments_rehearsed,
        "invoices": [
            {
                "number": invoice.number,
                "issued_at": local(invoice.issued_at),
                "usd": format_usd(invoice.usd_micros),
                "lines": [
                    {
                        "description": line.description,
                        "usd": format_usd(line.usd_micros),
                        "cause": line.cause,
                    }
                    for line in invoice.lines
                ],
            }
            for invoice in issued
        ],
    }


def invoice_page_document(number: str, page: Path) -> dict[str, Any]:
    """Which file one invoice's page was written to."""
    return {"number": number, "path": str(page)}
