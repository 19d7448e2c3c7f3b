"""The port of a tax service: how sales of one seller to one customer are taxed on a day.

The table that ships is one implementation. Another may ask somebody on the net: it is only asked
outside of transactions, and its answer is put on record, so that a charge never waits for it.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from msgspec import Struct

from kernel.errors import BadInputError
from pricing.taxes.model import Taxation


class SellerNotCoveredError(BadInputError):
    """The tax service knows nothing of sellers in that country; facts: ``country``."""

    code = "seller_not_covered"


class TaxQuestion(Struct, frozen=True):
    """What decides how a sale is taxed.

    Attributes:
        day: Of the sale, where the customer is.
        seller_country: ISO code.
        seller_tax_id: The seller's VAT number; None: it has none.
        customer_country: ISO code; None: nobody has said it.
        customer_tax_id: The customer's VAT number, well formed; None: a consumer, or not known.
    """

    day: date
    seller_country: str
    seller_tax_id: str | None = None
    customer_country: str | None = None
    customer_tax_id: str | None = None


def check_covered(country: str | None, service: TaxService) -> None:
    """Whether sellers in a country can be taxed; without a country no tax is computed.

    Raises:
        SellerNotCoveredError: The service knows nothing of sellers there.
    """
    if country is not None and not service.covers(country):
        raise SellerNotCoveredError(
            f"country {country}: {service.name} knows nothing of sellers there;"
            " leave the country out, and no tax is computed",
            country=country,
        )


class TaxService(Protocol):
    """Knows how sales are taxed.

    Attributes:
        name: Stands beside its answers on record.
    """

    @property
    def name(self) -> str:
        """Stands beside its answers on record."""
        ...

    def covers(self, seller_country: str) -> bool:
        """Whether it knows the taxes of sellers in that country."""
        ...

    def taxation(self, question: TaxQuestion) -> Taxation:
        """How such a sale is taxed; the same question has the same answer.

        Raises:
            SellerNotCoveredError: It does not know the taxes of sellers in that country.
        """
        ...
