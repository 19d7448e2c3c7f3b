"""The documents of invoices: their rows, and where the page of one went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd
from pricing.parties.party import party_to_json
from pricing.taxes.model import format_rate

if TYPE_CHECKING:
    from pricing.ledger.invoices import Invoice
    from pricing.taxes.model import TaxLine


def invoice_row(invoice: Invoice, timezone: str) -> dict[str, Any]:
    """One invoice in the contract's document; instants are in the account's zone.

    ``usd`` is the sum of its lines, net; ``total_usd`` is what is to be paid, tax included.
    """
    local = local_to(timezone)
    return {
        "number": invoice.number,
        "kind": invoice.kind.value,
        "account": invoice.account_id,
        "issued_at": local(invoice.issued_at),
        "due_at": None if invoice.due_at is None else local(invoice.due_at),
        "status": None if invoice.status is None else invoice.status.value,
        "corrects": list(invoice.corrects),
        "seller": None if invoice.seller is None else party_to_json(invoice.seller),
        "customer": None if invoice.customer is None else party_to_json(invoice.customer),
        "currency": invoice.currency,
        "usd": format_usd(invoice.usd_micros),
        "tax_usd": format_usd(invoice.tax_usd_micros),
        "total_usd": format_usd(invoice.total_usd_micros),
        "lines": [
            {
                "description": line.description,
                "usd": format_usd(line.usd_micros),
                "cause": line.cause,
            }
            for line in invoice.lines
        ],
        "taxes": [_tax_row(each) for each in invoice.taxes],
    }


def _tax_row(line: TaxLine) -> dict[str, Any]:
    return {
        "treatment": line.treatment.value,
        "country": line.country,
        "rate_percent": format_rate(line.rate_ppm),
        "net_usd": format_usd(line.net_usd_micros),
        "tax_usd": format_usd(line.tax_usd_micros),
    }


def invoice_page_document(number: str, page: Path) -> dict[str, Any]:
    """Which file one invoice's page was written to."""
    return {"number": number, "path": str(page)}
