"""Contract rates: what a customer pays a service by his own contract, beside what is published.

Many services publish no price, and many customers have another one. A contract rate is the
customer's own word for the price of a unit; the rule by which units are counted stays the
service's.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct


class ContractRate(Struct, frozen=True):
    """The price of a unit by contract.

    Attributes:
        tariff: The service's.
        unit: What one of is paid for, as the tariff calls it.
        usd_micros_per_unit: How much; not negative.
        as_of: The day since when it is known to hold.
    """

    tariff: str
    unit: str
    usd_micros_per_unit: int
    as_of: date
