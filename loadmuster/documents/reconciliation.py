"""The document of ``books reconcile``: the gateway's movements of money against the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.payments.movements import Movement
    from pricing.reports.money_moved import BookedMovement
    from pricing.reports.reconciliation import Difference, MovementSum, ReconciliationReport

IN_UTC = "UTC"


def reconciliation_document(
    report: ReconciliationReport, source: str, *, payments_rehearsed: bool
) -> dict[str, Any]:
    """A report; amounts are in their currency, instants in UTC.

    Args:
        report: It.
        source: Where the gateway's movements are from: ``gateway``, or the file.
        payments_rehearsed: Whether the gateway at hand moves no money: what it accepted is not
            compared.
    """
    local = local_to(IN_UTC)
    return {
        "source": source,
        "payments_rehearsed": payments_rehearsed,
        "start": local(report.start),
        "end": local(report.end),
        "matched": report.matched,
        "differences_count": report.differences_count,
        "sums": [_sum(each) for each in report.sums],
        "differences": [_difference(each) for each in report.differences],
    }


def _sum(each: MovementSum) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "currency": each.currency,
        "gateway": each.gateway,
        "gateway_amount": format_usd(each.gateway_micros),
        "gateway_fee": format_usd(each.gateway_fee_micros),
        "books": each.books,
        "books_amount": format_usd(each.books_micros),
    }


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "difference": each.kind.value,
        "gateway": None if each.gateway is None else _listed(each.gateway),
        "books": None if each.books is None else _booked(each.books),
        "state": each.state or None,
    }


def _listed(each: Movement) -> dict[str, Any]:
    return {
        "key": each.key,
        "kind": each.kind.value,
        "amount": format_usd(each.micros),
        "currency": each.currency,
        "fee": format_usd(each.fee_micros),
        "at": local_to(IN_UTC)(each.at),
        "id": each.id,
    }


def _booked(each: BookedMovement) -> dict[str, Any]:
    return {
        "key": each.key,
        "kind": each.kind.value,
        "amount": format_usd(each.micros),
        "currency": each.currency,
        "at": local_to(IN_UTC)(each.at),
        "account": each.account_id,
        "for": each.what,
    }
