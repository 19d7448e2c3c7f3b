"""How a sale is taxed, and the tax on one amount: whole cents, rounded once a charge."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from pricing.money import MICROS_PER_CENT, divide_half_up

PPM = 1_000_000
"""A rate is in millionths: 190,000 is 19 %."""

TAX_ACCOUNT = "tax:"
"""Prefix of the ledger accounts of tax that is owed to a country: ``tax:DE``."""


class Treatment(StrEnum):
    """How a sale is taxed.

    STANDARD: the seller charges the rate of a country.
    REVERSE_CHARGE: the customer, a business in another member state, owes the tax there.
    OUTSIDE_SCOPE: the customer is outside the EU; no VAT of the EU is owed.
    """

    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE_SCOPE = "outside_scope"


class Taxation(Struct, frozen=True):
    """How sales of one seller to one customer are taxed on a day.

    Attributes:
        treatment: How.
        country: Whose tax it is: of whoever charges or owes it, by ISO code.
        rate_ppm: What is charged, in millionths; 0 where nothing is.
    """

    treatment: Treatment
    country: str
    rate_ppm: int

    def tax_on(self, net_usd_micros: int) -> int:
        """The tax on an amount in micro-dollars, rounded half up to whole cents.

        Of a negative amount it is the negative of the tax on the positive one: what is given back
        takes back as much tax as it had.
        """
        cents = divide_half_up(abs(net_usd_micros) * self.rate_ppm, PPM * MICROS_PER_CENT)
        return cents * MICROS_PER_CENT * (1 if net_usd_micros >= 0 else -1)


class TaxLine(Struct, frozen=True):
    """The tax on an amount, as an invoice shows it.

    Attributes:
        treatment: How it is taxed.
        country: Whose tax it is.
        rate_ppm: In millionths.
        net_usd_micros: What is taxed.
        tax_usd_micros: The tax, in whole cents.
    """

    treatment: Treatment
    country: str
    rate_ppm: int
    net_usd_micros: int
    tax_usd_micros: int


def format_rate(rate_ppm: int) -> str:
    """A rate in percent with the decimals that it has: ``19``, ``25.5``."""
    whole, rest = divmod(rate_ppm, PPM // 100)
    decimals = f"{rest:04d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)
