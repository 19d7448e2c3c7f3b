"""An invoice as one HTML page that can be sent, read anywhere and printed: nothing is loaded."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.errors import BadInputError
from pricing.ledger.invoices import Invoice
from pricing.money import format_usd
from pricing.payments.gateway import REHEARSED_NOTE
from pricing.reports.invoice_facts import InvoiceFacts
from pricing.taxes.words import mention, tax_name

if TYPE_CHECKING:
    from jinja2 import Template

DEFAULT_SELLER = "loadmuster"
_TEMPLATE = Path(__file__).with_name("invoice.html.jinja")


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
    """The page. All text is escaped, whatever it holds.

    Args:
        invoice: What to show.
        timezone: The account's; decides the day of issue.
        parties: Who is named on it.
        facts: What stands beside its lines; None: it is not known.
        payments_rehearsed: The payment gateway collects nothing, which the page then says.
    """
    return _template().render(
        invoice=invoice,
        issued_at=invoice.issued_at.astimezone(ZoneInfo(timezone)),
        parties=parties or parties_of(invoice),
        facts=facts,
        mentions=[said for each in invoice.taxes if (said := mention(each.treatment))],
        payment_note=REHEARSED_NOTE if payments_rehearsed else "",
    )


def _day(day: date) -> str:
    """``1 February 2027``."""
    return f"{day.day} {day:%B %Y}"


@cache
def _template() -> Template:
    """The page's template; a name that it does not know is an error, not an empty place."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["usd"] = format_usd
    environment.filters["day"] = _day
    environment.filters["tax_name"] = tax_name
    return environment.get_template(_TEMPLATE.name)
