"""VAT of the EU by a table of dated rates: what the law says of services that are used online.

    customer                                              who charges or owes the tax
    in the seller's country, or nobody has said where     the seller, at the rate of its country
    a business in another member state, by its VAT id     the customer (art. 44 and 196)
    anybody else in another member state                  the seller, at the rate there (art. 58)
    outside the EU                                        nobody: out of scope (art. 44 and 59)

Articles are those of Directive 2006/112/EC, https://eur-lex.europa.eu/eli/dir/2006/112/oj.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from pricing.parties.vat_ids import EU, BadTaxIdError, check_tax_id
from pricing.strict_toml import Text, numbered, read_toml, wrong_field
from pricing.taxes.model import PPM, Taxation, Treatment
from pricing.taxes.service import TaxQuestion, check_covered

BUNDLED_RATES = Path(__file__).parent / "data" / "vat_rates.toml"

Percent = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,2}(\.[0-9]{1,4})?\Z",
        extra={"right": 'must be a rate in percent in quotes like "25.5"'},
    ),
]


class _Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """The standard rate of a country from a day on."""

    country: Text
    first_day: date = field(name="from")
    percent: Percent


class _RatesFile(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: date
    sources: Annotated[tuple[Text, ...], Meta(min_length=1)]
    rates: Annotated[tuple[_Rate, ...], Meta(min_length=1)]


class TaxTable:
    """A tax service that answers from a file of dated rates.

    Args:
        path: The file; default: the one that ships.
    """

    def __init__(self, path: Path = BUNDLED_RATES) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file that it answers from."""
        return f"the table {self._path.name}"

    def covers(self, seller_country: str) -> bool:
        """Whether that is a member state of the EU whose rates are in the file."""
        return seller_country in EU and seller_country in _rates(self._path)

    def taxation(self, question: TaxQuestion) -> Taxation:
        """How such a sale is taxed, by the table above.

        Raises:
            SellerNotCoveredError: The seller's country is not in the file.
            DataFileError: The file cannot be read.
        """
        check_covered(question.seller_country, self)
        country = question.customer_country or question.seller_country
        if country not in EU:
            return Taxation(Treatment.OUTSIDE_SCOPE, country, 0)
        if country != question.seller_country and _is_business(country, question.customer_tax_id):
            return Taxation(Treatment.REVERSE_CHARGE, country, 0)
        return Taxation(Treatment.STANDARD, country, self.rate_ppm(country, question.day))

    def rate_ppm(self, country: str, day: date) -> int:
        """The standard rate of a member state on a day; before the first on record, that one."""
        versions = _rates(self._path)[country]
        in_force = [ppm for first_day, ppm in versions if first_day <= day]
        return in_force[-1] if in_force else versions[0][1]


def _is_business(country: str, tax_id: str | None) -> bool:
    """Whether a customer has a VAT number of the country, as far as its digits say."""
    if tax_id is None:
        return False
    try:
        check_tax_id(tax_id, country)
    except BadTaxIdError:
        return False
    return True


@cache
def _rates(path: Path) -> Mapping[str, Sequence[tuple[date, int]]]:
    """Rates in millionths with their first days, oldest first, by country.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    found: dict[str, dict[date, int]] = {}
    for number, rate in enumerate(read_toml(path, _RatesFile).rates, 1):
        where = numbered(path, "rates", number)
        if rate.country not in EU:
            raise wrong_field(where, "country", f"{rate.country!r} is no member state of the EU")
        versions = found.setdefault(rate.country, {})
        if rate.first_day in versions:
            raise wrong_field(where, "from", f"{rate.first_day} is there twice")
        versions[rate.first_day] = _ppm(rate.percent)
    if missing := EU - found.keys():
        raise wrong_field(path, "rates", f"has none of {', '.join(sorted(missing))}")
    return {country: sorted(versions.items()) for country, versions in found.items()}


def _ppm(percent: str) -> int:
    whole, _, decimals = percent.partition(".")
    return int(whole) * (PPM // 100) + int(decimals.ljust(4, "0"))


SHIPPED = TaxTable()
"""The table that ships."""
