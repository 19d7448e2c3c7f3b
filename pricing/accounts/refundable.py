"""What can be given back of an invoice: what was paid for it, less what was given back (C73).

What the account is in credit of that goes as far as it is still there. What it has too much, since
the run cost less in the end or a refund was sent back, is paid out first; the invoice is taken back
by the rest; what an operator credited is paid out last.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import Connection, select

from kernel.errors import RefusedError
from pricing.ledger.invoices import (
    Invoice,
    InvoiceKind,
    find_invoice,
    void_invoices,
)
from pricing.ledger.ledger import entries_of
from pricing.money import format_usd
from pricing.payments.collecting import ChannelCannotError
from pricing.payments.credit import CREDIT, free_credit_of, set_off_key
from pricing.payments.disputes import Dispute, DisputeState, disputes_of_payment
from pricing.payments.gateway import PaymentGateway, PaymentState, is_rehearsed
from pricing.payments.refunds import (
    GIVEN_BACK,
    OPEN,
    Refund,
    RefundState,
    refunded_of,
    refunds_of,
)
from pricing.payments.taken_back import TakenBack, taken_back
from pricing.plans.channels import CAPABILITIES, Channel
from pricing.tables import PAYMENTS


class NothingPaidError(RefusedError):
    """Nothing was collected for the invoice; facts: ``account``, ``invoice``."""

    code = "nothing_paid"


class PaymentDisputedError(RefusedError):
    """The invoice's payment is disputed; facts: ``account``, ``invoice``."""

    code = "payment_disputed"


class RefundTooMuchError(RefusedError):
    """That is more than was paid and not given back; facts: ``account``, ``invoice``, ``left``."""

    code = "refund_too_much"


class Refundable(Struct, frozen=True):
    """What can be given back of an invoice.

    Attributes:
        invoice: It.
        paid_usd_micros: What was collected for it, tax included.
        given_usd_micros: What of it was given back, or is about to be, or is lost to a dispute.
        returned_usd_micros: What of the account's free credit came back of it.
        credited_usd_micros: What of the account's free credit an operator gave on it.
        invoice_usd_micros: What of the invoice's total nothing has taken back, nor is about to.
        payment_key: What it was collected under; None: the gateway keeps no books.
    """

    invoice: Invoice
    paid_usd_micros: int
    given_usd_micros: int
    returned_usd_micros: int
    credited_usd_micros: int
    invoice_usd_micros: int
    payment_key: str | None

    @property
    def left_usd_micros(self) -> int:
        """How much can be given back."""
        there = max(self.paid_usd_micros - self.given_usd_micros, 0)
        credit = self.returned_usd_micros + self.credited_usd_micros
        return min(there, credit + self.invoice_usd_micros)

    def from_credit(self, usd_micros: int) -> int:
        """What is paid out of the credit if so much is given back."""
        beyond = usd_micros - self.returned_usd_micros
        return usd_micros - max(min(beyond, self.invoice_usd_micros), 0)


def refundable(
    conn: Connection, account_id: str, number: str, *, gateway: PaymentGateway
) -> Refundable:
    """What can be given back of an account's invoice.

    Raises:
        UnknownInvoiceError: If the account has no such invoice.
        NothingPaidError: If nothing was collected for it, or only rehearsed so.
        PaymentDisputedError: If its payment is disputed.
        ChannelCannotError: If it was paid through a marketplace, which gives back by itself.
    """
    invoice = find_invoice(conn, account_id, number)
    payment = conn.execute(
        select(PAYMENTS).where(
            PAYMENTS.c.cause == invoice.cause, PAYMENTS.c.state == PaymentState.ACCEPTED
        )
    ).one_or_none()
    if payment is None or not payment.usd_micros or invoice.kind is InvoiceKind.CREDIT_NOTE:
        raise _nothing_paid(invoice, "nothing was collected for it")
    if number in void_invoices(conn, [account_id]):
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
    disputes = () if payment.key is None else disputes_of_payment(conn, payment.key)
    if any(each.state is DisputeState.OPEN for each in disputes):
        raise PaymentDisputedError(
            f"invoice {number} of account {account_id}: its payment is disputed, and the bank"
            " decides whose the money is; nothing is given back meanwhile",
            account=account_id,
            invoice=number,
        )
    of = taken_back(conn, account_id).get(number) or TakenBack(invoice)
    returned, credited = _credit_of_invoice(conn, of)
    return Refundable(
        invoice=invoice,
        paid_usd_micros=int(payment.usd_micros),
        given_usd_micros=refunded_of(conn, invoice.cause) + _lost(disputes),
        returned_usd_micros=returned,
        credited_usd_micros=credited,
        invoice_usd_micros=of.left_usd_micros,
        payment_key=payment.key,
    )


def paid_for(conn: Connection, refund: Refund) -> int:
    """What was collected for the invoice of a refund."""
    paid = select(PAYMENTS.c.usd_micros).where(PAYMENTS.c.cause == refund.cause)
    return int(conn.execute(paid).scalar_one())


def _credit_of_invoice(conn: Connection, of: TakenBack) -> tuple[int, int]:
    """What of an account's free credit came back of an invoice, and what was credited on it.

    Without what was paid out since.
    """
    cause, account_id = of.invoice.cause, of.invoice.account_id
    returned = -sum(
        part.amount
        for entry in entries_of(conn, cause)
        if not entry.natural_key.startswith(set_off_key(cause))
        for part in entry.postings
        if part.ledger_account == CREDIT
    )
    refunds = [each for each in refunds_of(conn, account_id) if each.cause == cause]
    sent_back = (each for each in refunds if each.state is RefundState.RETURNED)
    returned += sum(each.usd_micros for each in sent_back)
    paid_out = sum(
        each.from_credit_usd_micros for each in refunds if each.state in {*GIVEN_BACK, *OPEN}
    )
    credited = min(of.credited_usd_micros, returned + of.credited_usd_micros - paid_out)
    free = free_credit_of(conn, account_id)
    returned = min(max(returned - paid_out, 0), free)
    return returned, min(max(credited, 0), free - returned)


def _lost(disputes: Iterable[Dispute]) -> int:
    """What a customer's bank has taken back for good."""
    return sum(each.usd_micros for each in disputes if each.state is DisputeState.LOST)


def too_much(found: Refundable, wanted: int | None) -> RefundTooMuchError:
    """What is told of a refund of so many micro-dollars; None: of all that is left, nothing."""
    invoice, left = found.invoice, format_usd(found.left_usd_micros)
    paid, given = format_usd(found.paid_usd_micros), found.given_usd_micros
    what = "nothing" if wanted is None else f"{format_usd(wanted)} USD"
    verb = "is left to be given back" if wanted is None else "cannot be given back"
    told = [f"{paid} USD were paid"]
    if given:
        told.append(f"{format_usd(given)} USD of them were given back or are on the way")
    if found.paid_usd_micros - given > found.left_usd_micros:
        spent = format_usd(found.paid_usd_micros - given - found.left_usd_micros)
        told.append(f"{spent} USD were credited to the account and are spent")
    if wanted is not None:
        told.append(f"{left} USD of them are left")
    said = ", and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))
    return RefundTooMuchError(
        f"invoice {invoice.number} of account {invoice.account_id}: {what} {verb}: {said}",
        account=invoice.account_id,
        invoice=invoice.number,
        left=left,
    )


def _nothing_paid(invoice: Invoice, why: str) -> NothingPaidError:
    return NothingPaidError(
        f"invoice {invoice.number} of account {invoice.account_id}: {why}",
        account=invoice.account_id,
        invoice=invoice.number,
    )
