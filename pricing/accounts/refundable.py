"""What can be given back of an invoice: what was paid for it, less what was given back (C73)."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import RefusedError
from pricing.ledger.invoices import Invoice, InvoiceKind, find_invoice
from pricing.money import format_usd
from pricing.payments.collecting import ChannelCannotError
from pricing.payments.gateway import PaymentGateway, PaymentState, is_rehearsed
from pricing.payments.refunds import REFUND_CAUSE, Refund, refunded_of
from pricing.plans.channels import CAPABILITIES, Channel
from pricing.tables import INVOICES, PAYMENTS


class NothingPaidError(RefusedError):
    """Nothing was collected for the invoice; facts: ``account``, ``invoice``."""

    code = "nothing_paid"


class RefundTooMuchError(RefusedError):
    """That is more than was paid and not given back; facts: ``account``, ``invoice``, ``left``."""

    code = "refund_too_much"


class Refundable(Struct, frozen=True):
    """What can be given back of an invoice.

    Attributes:
        invoice: It.
        paid_usd_micros: What was collected for it, tax included.
        left_usd_micros: What of it is not given back, nor about to be.
        payment_key: What it was collected under; None: the gateway keeps no books.
    """

    invoice: Invoice
    paid_usd_micros: int
    left_usd_micros: int
    payment_key: str | None


def refundable(
    conn: Connection, account_id: str, number: str, *, gateway: PaymentGateway
) -> Refundable:
    """What can be given back of an account's invoice.

    Raises:
        UnknownInvoiceError: If the account has no such invoice.
        NothingPaidError: If nothing was collected for it, or only rehearsed so.
        ChannelCannotError: If it was paid through a marketplace, which gives back by itself.
    """
    invoice = find_invoice(conn, account_id, number)
    payment = conn.execute(
        select(PAYMENTS).where(
            PAYMENTS.c.cause == invoice.cause, PAYMENTS.c.state == PaymentState.ACCEPTED
        )
    ).one_or_none()
    if invoice.kind is InvoiceKind.CREDIT_NOTE or payment is None or _is_void(conn, invoice):
        raise _nothing_paid(invoice, "nothing was collected for it")
    if payment.rehearsed not in {None, is_rehearsed(gateway=gateway)}:
        was = "was rehearsed, and" if payment.rehearsed else "was collected by another gateway:"
        raise _nothing_paid(invoice, f"its payment {was} this gateway has nothing to give back")
    if not CAPABILITIES[Channel(payment.channel)].refunds:
        raise ChannelCannotError(
            f"invoice {number} of account {account_id} was paid through {payment.channel}: have it"
            " refunded there",
            account=account_id,
            channel=payment.channel,
        )
    paid = min(int(payment.usd_micros), invoice.total_usd_micros)
    left = max(paid - refunded_of(conn, invoice.cause), 0)
    return Refundable(invoice, paid, left, payment.key)


def paid_for(conn: Connection, refund: Refund) -> int:
    """What was collected for the invoice of a refund, and is still the invoice's."""
    invoice = find_invoice(conn, refund.account_id, refund.invoice)
    paid = select(PAYMENTS.c.usd_micros).where(PAYMENTS.c.cause == refund.cause)
    return min(int(conn.execute(paid).scalar_one()), invoice.total_usd_micros)


def too_much(found: Refundable, wanted: int) -> RefundTooMuchError:
    """What is told of a refund of so many micro-dollars."""
    invoice, left = found.invoice, format_usd(found.left_usd_micros)
    return RefundTooMuchError(
        f"invoice {invoice.number} of account {invoice.account_id}: {format_usd(wanted)} USD cannot"
        f" be given back: {format_usd(found.paid_usd_micros)} USD were paid, and {left} USD of them"
        " are left",
        account=invoice.account_id,
        invoice=invoice.number,
        left=left,
    )


def _is_void(conn: Connection, invoice: Invoice) -> bool:
    """Whether a credit note that is no refund's has taken the invoice back."""
    notes = conn.execute(
        select(INVOICES.c.corrects).where(
            INVOICES.c.account_id == invoice.account_id,
            INVOICES.c.kind == InvoiceKind.CREDIT_NOTE,
            INVOICES.c.corrects.is_not(None),
            ~INVOICES.c.cause.startswith(REFUND_CAUSE),
        )
    ).scalars()
    return any(invoice.number in corrects for corrects in notes)


def _nothing_paid(invoice: Invoice, why: str) -> NothingPaidError:
    return NothingPaidError(
        f"invoice {invoice.number} of account {invoice.account_id}: {why}",
        account=invoice.account_id,
        invoice=invoice.number,
    )
