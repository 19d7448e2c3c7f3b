"""Where a price is from and how sure it is, and prices that fall with what is used.

A price that somebody else wrote down is worth less than the vendor's own word; whoever is shown
one is told which of both it is.
"""

# Annotations are values here: msgspec would compile each anew from its text at every start.

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct


class Certainty(StrEnum):
    """Who says that something costs so much.

    PRICE_LIST: The vendor's list for programs, read there.
    VENDOR: The vendor's own page, read there.
    QUOTATION: Somebody else, who quotes the vendor.
    OWN: The house itself.
    """

    PRICE_LIST = "price list"
    VENDOR = "vendor's page"
    QUOTATION = "quotation"
    OWN = "our own"


Address = Annotated[
    str, Meta(pattern=r"^https?://\S+\Z", extra={"right": "must be an address like https://..."})
]


class PublishedPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a price is from.

    Attributes:
        certainty: Who says so.
        as_of: The day on which it was read, or the page's own.
        source: Address of the page that states or quotes it; empty: the house's own.
        conditions: What it holds for, and what comes beside it.
    """

    certainty: Certainty
    as_of: date
    source: Address | None = None
    conditions: str | None = None

    def in_words(self) -> str:
        """``quotation of 2026-02-19, https://...: conditions``."""
        whose = f"{self.certainty.value} of {self.as_of}"
        where = whose if self.source is None else f"{whose}, {self.source}"
        return where if self.conditions is None else f"{where}; {self.conditions}"


class UnitTier(Struct, frozen=True):
    """The price of a unit beyond so many units, in micro-dollars."""

    from_units: int
    usd_micros: int


def cost_of_units(first_usd_micros: int, tiers: Sequence[UnitTier], units: Fraction) -> Fraction:
    """What units cost in micro-dollars, each at the price of its tier.

    Never less for more units. The account is taken to use nothing else.

    Args:
        first_usd_micros: The price of a unit up to the first tier.
        tiers: By ``from_units``.
        units: How many.
    """
    steps = (UnitTier(0, first_usd_micros), *tiers)
    total = units * first_usd_micros
    for before, tier in pairwise(steps):
        beyond = max(Fraction(0), units - tier.from_units)
        total += beyond * (tier.usd_micros - before.usd_micros)
    return total
