"""The documents of invoices: their rows, and where the page of one went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.ledger.invoices import Invoice


def invoice_row(invoice: Invoice, timezone: str) -> dict[str, Any]:
    """One invoice in the contract's document; instants are in the account's zone."""
    return {
        "number": invoice.number,
        "account": invoice.account_id,
        "issued_at": local_to(timezone)(invoice.issued_at),
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


def invoice_page_document(number: str, page: Path) -> dict[str, Any]:
    """Which file one invoice's page was written to."""
    return {"number": number, "path": str(page)}
