"""What invoices and people are told of a tax: its name, and the mention that the law wants."""

from __future__ import annotations

from pricing.parties.countries import country_name
from pricing.taxes.model import Taxation, TaxLine, Treatment, format_rate

_MENTIONS = {
    Treatment.REVERSE_CHARGE: (
        "Reverse charge: the customer owes the VAT (Directive 2006/112/EC, art. 44 and 196)."
    ),
    Treatment.OUTSIDE_SCOPE: (
        "Outside the scope of VAT in the EU: the customer is established outside it"
        " (Directive 2006/112/EC, art. 44 and 59)."
    ),
}


def tax_name(line: Taxation | TaxLine) -> str:
    """``VAT 19 % (Germany)``, ``VAT, reverse charge (France)``."""
    country = country_name(line.country)
    match line.treatment:
        case Treatment.STANDARD:
            return f"VAT {format_rate(line.rate_ppm)} % ({country})"
        case Treatment.REVERSE_CHARGE:
            return f"VAT, reverse charge ({country})"
        case Treatment.OUTSIDE_SCOPE:
            return f"VAT, out of scope ({country})"


def treatment_in_words(line: Taxation | TaxLine) -> str:
    """The same for a sentence: ``VAT 19 % (Germany)``, ``reverse charge (France)``."""
    return tax_name(line).removeprefix("VAT, ")


def mention(treatment: Treatment) -> str | None:
    """What an invoice has to say of it (Directive 2006/112/EC, art. 226); None: nothing more."""
    return _MENTIONS.get(treatment)
