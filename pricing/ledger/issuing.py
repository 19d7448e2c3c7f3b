"""Issuing invoices and credit notes: once for each cause, from what the ledger holds under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import to_builtins
from msgspec.structs import astuple, replace
from sqlalchemy import Connection

from pricing.ledger.invoices import (
    REVENUE,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    invoice_of,
    last_sequence,
    run_cause,
)
from pricing.ledger.ledger import Transaction, entries_of, lock_ledger
from pricing.ledger.numbering import last_places, next_number, own_number
from pricing.ledger.taxed import tax_lines_of
from pricing.parties.billing_details import find_billing_details
from pricing.parties.party import Party, party_to_json
from pricing.parties.sellers import Seller, seller_at
from pricing.plans.quotes import Unit
from pricing.tables import INVOICE_LINES, INVOICES, insert_many
from pricing.taxes.model import TAX_ACCOUNT

_INSERT = INVOICES.insert().returning(INVOICES.c.id)


def issue_for_run(conn: Connection, run_id: str, now: datetime) -> Invoice | None:
    """Issue a run's invoice, once it has ended: start-up, use, and the correction if there is one.

    Returns:
        The invoice, also when it was issued before; None: the run cost no money.
    """
    return issue(conn, run_cause(run_id), now)


def issue_for_subscription(conn: Connection, cause: str, issued_at: datetime) -> Invoice | None:
    """Issue the invoice of a subscription's period; the account's books are locked.

    Args:
        conn: An open write transaction.
        cause: The period's, see ``period_cause``.
        issued_at: When.

    Returns:
        The invoice, also when it was issued before; None: the period cost no money.
    """
    return issue(conn, cause, issued_at, is_locked=True)


def issue_credit_note(
    conn: Connection,
    cause: str,
    issued_at: datetime,
    *,
    corrects: tuple[str, ...],
    charges: tuple[Transaction, ...] | None = None,
) -> Invoice | None:
    """Issue the credit note of a cause that takes charges back; the account's books are locked.

    The invoices stay as they are: no invoice is ever rewritten.

    Args:
        conn: An open write transaction.
        cause: What the entries that take back are booked under.
        issued_at: When.
        corrects: Numbers of the invoices whose charges it takes back.
        charges: What it takes back, where that is not in the ledger; None: it is.

    Returns:
        The credit note, also when it was issued before; None: it takes no money back.
    """
    return issue(
        conn,
        cause,
        issued_at,
        is_locked=True,
        kind=InvoiceKind.CREDIT_NOTE,
        corrects=corrects,
        charges=charges,
    )


def issue(
    conn: Connection,
    cause: str,
    issued_at: datetime,
    *,
    is_locked: bool = False,
    kind: InvoiceKind = InvoiceKind.INVOICE,
    corrects: tuple[str, ...] = (),
    charges: tuple[Transaction, ...] | None = None,
) -> Invoice | None:
    """Issue the invoice of a cause from what the ledger holds under it.

    It has the parties that are on record now, and its series' next number, which is given in this
    transaction.

    Args:
        conn: An open write transaction.
        cause: What is billed.
        issued_at: When.
        is_locked: Whether the account's books are locked already.
        kind: Invoice or credit note.
        corrects: Of a credit note: the numbers of the invoices.
        charges: What is billed, where it is not in the ledger yet; None: what that holds.

    Returns:
        The invoice, also when it was issued before; None: nothing was charged under the cause.
    """
    if charges is None:
        charges = entries_of(conn, cause)
    lines = lines_of(charges)
    if not lines:
        return None
    account_id = charges[0].account_id
    if not is_locked:
        # Numbers have no gap because nobody else counts on before this transaction has ended.
        lock_ledger(conn, account_id)
    there = invoice_of(conn, cause)
    if there is not None:
        return there
    invoice = _numbered(
        conn,
        Invoice(
            account_id=account_id,
            number="",
            cause=cause,
            issued_at=issued_at.astimezone(UTC),
            lines=lines,
            kind=kind,
            corrects=corrects,
        ),
    )
    _insert(conn, invoice)
    return invoice


def lines_of(charges: Iterable[Transaction]) -> tuple[InvoiceLine, ...]:
    """The lines of an invoice: one for each posting to a revenue account.

    What is nothing but tax, as a cent that is given back may be, has one of nothing.
    """
    return tuple(line for charge in charges for line in _lines_of_charge(charge))


def _lines_of_charge(charge: Transaction) -> Iterator[InvoiceLine]:
    accounts = [each for each in charge.postings if each.unit is Unit.USD]
    earned = [each for each in accounts if each.ledger_account.startswith(REVENUE)]
    for posting in earned:
        name = posting.ledger_account.removeprefix(REVENUE)
        yield InvoiceLine(f"{charge.description}: {name}", -posting.amount, charge.natural_key)
    if not earned and any(each.ledger_account.startswith(TAX_ACCOUNT) for each in accounts):
        yield InvoiceLine(f"{charge.description}: tax", 0, charge.natural_key)


def _numbered(conn: Connection, invoice: Invoice) -> Invoice:
    """The invoice with its number, its parties and the day on which it is due."""
    seller = seller_at(conn, invoice.issued_at)
    taxes = tax_lines_of(conn, tuple(dict.fromkeys(line.cause for line in invoice.lines)))
    customer = find_billing_details(conn, invoice.account_id)
    is_credit_note = invoice.kind is InvoiceKind.CREDIT_NOTE
    if seller is None:
        of = invoice.account_id
        place = last_places(conn, [of], is_credit_note=is_credit_note)[of] + 1
        number = own_number(of, place, is_credit_note=is_credit_note)
        due_at = None
    else:
        number = next_number(conn, seller, invoice.issued_at, is_credit_note=is_credit_note)
        due_at = None if is_credit_note else due_at_of(seller, invoice.issued_at)
    return replace(
        invoice,
        number=number,
        due_at=due_at,
        seller=None if seller is None else seller.party,
        customer=None if customer == Party() else customer,
        taxes=taxes,
    )


def due_at_of(seller: Seller, issued_at: datetime) -> datetime:
    """Until when an invoice of the seller's is to be paid."""
    return issued_at + timedelta(seller.payment_days)


def _insert(conn: Connection, invoice: Invoice) -> None:
    """Write the invoice as the account's last one."""
    row = {
        "account_id": invoice.account_id,
        "sequence": last_sequence(conn, invoice.account_id) + 1,
        "number": invoice.number,
        "cause": invoice.cause,
        "issued_at": invoice.issued_at,
        "kind": invoice.kind,
        "currency": invoice.currency,
        "due_at": invoice.due_at,
        "corrects": list(invoice.corrects) or None,
        "seller": None if invoice.seller is None else party_to_json(invoice.seller),
        "customer": None if invoice.customer is None else party_to_json(invoice.customer),
        "taxes": to_builtins(invoice.taxes) or None,
    }
    invoice_id = conn.execute(_INSERT, row).scalar_one()
    lines = [(invoice_id, *astuple(line)) for line in invoice.lines]
    insert_many(conn, INVOICE_LINES, ("invoice_id", *InvoiceLine.__struct_fields__), lines)
