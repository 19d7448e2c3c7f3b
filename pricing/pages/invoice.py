"""Invoices and credit notes as sheets that are sent."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.errors import BadInputError
from pricing.ledger.invoices import Invoice, InvoiceKind
from pricing.pages.html import html_of
from pricing.pages.sheet import Fact, Row, Sheet, Sum, amount_in_words, day_in_words
from pricing.payments.gateway import REHEARSED_NOTE
from pricing.reports.invoice_facts import InvoiceFacts
from pricing.taxes.words import mention, tax_name

DEFAULT_SELLER = "loadmuster"
TITLES = {InvoiceKind.INVOICE: "Invoice", InvoiceKind.CREDIT_NOTE: "Credit note"}
CURRENCIES = {"USD": "US dollars", "EUR": "euros"}
"""What currencies are called on a page; another is called by its code."""

_LEDGER_NOTE = "The small print under a line is its entry in the ledger of the account."
_NO_TAX_NOTE = "No tax is computed or included; whether any is due is for seller and customer."


class Parties(Struct, frozen=True):
    """Who sends the invoice to whom: names with addresses, on as many lines as they need.

    Attributes:
        seller: Who sends it.
        customer: Whom it is for; None: the account's id says enough.
    """

    seller: str = DEFAULT_SELLER
    customer: str | None = None


class PartyOnRecordError(BadInputError):
    """An invoice names the parties that it was issued with; facts: ``number``, ``party``."""

    code = "party_on_record"


def parties_of(
    invoice: Invoice, *, seller: str | None = None, customer: str | None = None
) -> Parties:
    """Whom an invoice names: as it was issued, else what is said now.

    Args:
        invoice: Which.
        seller: Name and address of the sender, if it was issued without one.
        customer: Name and address of the customer, likewise.

    Raises:
        PartyOnRecordError: It was issued with one: a number always names the same parties.
    """
    for party, on_record, said in (
        ("seller", invoice.seller, seller),
        ("customer", invoice.customer, customer),
    ):
        if on_record is not None and said is not None:
            raise PartyOnRecordError(
                f"invoice {invoice.number} names the {party} that was on record when it was"
                f" issued; leave --{party} out",
                number=invoice.number,
                party=party,
            )
    return Parties(
        invoice.seller.text if invoice.seller else seller or DEFAULT_SELLER,
        invoice.customer.text if invoice.customer else customer,
    )


def invoice_page(
    invoice: Invoice,
    timezone: str,
    parties: Parties | None = None,
    facts: InvoiceFacts | None = None,
    *,
    payments_rehearsed: bool = False,
) -> str:
    """An invoice as an HTML page; ``invoice_sheet`` says what the arguments are."""
    return html_of(
        invoice_sheet(invoice, timezone, parties, facts, payments_rehearsed=payments_rehearsed)
    )


def invoice_sheet(
    invoice: Invoice,
    timezone: str,
    parties: Parties | None = None,
    facts: InvoiceFacts | None = None,
    *,
    payments_rehearsed: bool = False,
) -> Sheet:
    """What stands on an invoice, or on a credit note, which is headed as such.

    Args:
        invoice: What to show.
        timezone: The account's; decides the day of issue.
        parties: Who is named on it; None: those that it was issued with.
        facts: What stands beside its lines; None: it is not known.
        payments_rehearsed: The payment gateway collects nothing, which the sheet then says.
    """
    named = parties_of(invoice) if parties is None else parties
    zone = ZoneInfo(timezone)
    mentions = (mention(each.treatment) for each in invoice.taxes)
    notes = (
        *(said for said in mentions if said is not None),
        *(() if invoice.taxes else (_NO_TAX_NOTE,)),
        _LEDGER_NOTE,
        *((REHEARSED_NOTE,) if payments_rehearsed else ()),
    )
    test = "" if facts is None or facts.test is None else f"test {facts.test}"
    return Sheet(
        title=TITLES[invoice.kind],
        number=invoice.number,
        seller=named.seller,
        facts=tuple(_facts(invoice, zone, named, facts)),
        head=("Description", invoice.currency),
        rows=tuple(
            Row(line.description, amount_in_words(line.usd_micros), test, line.cause)
            for line in invoice.lines
        ),
        sums=tuple(_sums(invoice)),
        notes=notes,
        day=invoice.issued_at.astimezone(zone).date(),
    )


def _facts(
    invoice: Invoice, zone: ZoneInfo, parties: Parties, facts: InvoiceFacts | None
) -> Iterator[Fact]:
    yield Fact("For", parties.customer or invoice.account_id, is_party=True)
    yield Fact("Account", invoice.account_id)
    yield Fact("Issued", day_in_words(invoice.issued_at.astimezone(zone).date()))
    if invoice.corrects:
        yield Fact("Corrects", ", ".join(invoice.corrects))
    if invoice.due_at is not None:
        yield Fact("Due", day_in_words(invoice.due_at.astimezone(zone).date()))
    if facts is not None and facts.first_day is not None and facts.last_day is not None:
        first, last = day_in_words(facts.first_day), day_in_words(facts.last_day)
        yield Fact("Period", first if first == last else f"{first} to {last}")
    if facts is not None:
        yield Fact("Payment", facts.payment)
    yield Fact("Currency", CURRENCIES.get(invoice.currency, invoice.currency))


def _sums(invoice: Invoice) -> Iterator[Sum]:
    if invoice.taxes:
        yield Sum("Net", amount_in_words(invoice.usd_micros))
        for line in invoice.taxes:
            yield Sum(tax_name(line), amount_in_words(line.tax_usd_micros))
    else:
        yield Sum("Tax", "none computed")
    yield Sum("Total", amount_in_words(invoice.total_usd_micros), is_total=True)
