"""One way to run a test, with its price, what that rests on, and who says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from pricing.tariffs import Cliff, ContractRate, PublishedPrice


class Kind(StrEnum):
    """Who puts the load on, and sends the bill."""

    PLAN = "plan"
    SERVICE = "service"
    OWN = "own account"


class Row(Struct, frozen=True):
    """One way to run the test.

    Attributes:
        name: The plan's, the tariff's, or ``own-aws`` and ``own-azure``.
        title: For people.
        kind: Who puts the load on.
        engines: Injectors, or machines, that were counted on; None: they do not count.
        unit: What ``quantity`` counts.
        quantity: Units in all; None: the service publishes too little to count them.
        usd_micros: The price of the run, bills in whole cents; None: see ``reason``.
        as_of: How old the figures are.
        reason: Why there is no price.
        assumption: What the price, or the quantity, rests on.
        cliffs: Neighbours of the test across an edge of this price.
        contract_rate: The customer's own rate, which the price rests on; None: on what is
            published.
        published_usd_micros: What the service bills anybody; None: it was not found.
        price_from: Where a service's price is from, and how sure it is; None: none was found, or
            it is no service's.
    """

    name: str
    title: str
    kind: Kind
    engines: int | None
    unit: str
    quantity: int | Decimal | None
    usd_micros: int | None
    as_of: date
    reason: str | None = None
    assumption: str | None = None
    cliffs: tuple[Cliff, ...] = ()
    contract_rate: ContractRate | None = None
    published_usd_micros: int | None = None
    price_from: PublishedPrice | None = None

    @property
    def note(self) -> str | None:
        """Why there is no price, and what was assumed."""
        return "; ".join(filter(None, (self.reason, self.assumption))) or None
