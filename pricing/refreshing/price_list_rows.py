"""What a price list says: prices that were found, and why the others were left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct, convert, field

from kernel.plain import plain
from pricing.money import MICROS_PER_USD

MACHINE = "machine"
SPOT = "spot"
PUBLIC_IPV4 = "public-ipv4"
BOOT_DISK = "boot-disk"
EGRESS = "egress"
NAT_HOUR = "nat-hour"
NAT_GB = "nat-gb"
SERVICE_UNIT = "load-testing-unit"
ITEMS = (MACHINE, SPOT, PUBLIC_IPV4, BOOT_DISK, EGRESS, NAT_HOUR, NAT_GB, SERVICE_UNIT)
"""What a price can be of; those around a machine are called as in ``surroundings.csv``."""


class RowRefusal(StrEnum):
    """Why a row of a price list is not a price of the catalogue."""

    MALFORMED = "not of the shape that is documented"
    OTHER_REGION = "of another region"
    OTHER_PRODUCT = "of another product"
    NOT_IN_A_REGION = "of a local zone, a wavelength zone or an outpost"
    BARE_METAL = "bare metal"
    DEDICATED = "dedicated tenancy"
    NOT_LINUX = "not Linux"
    WINDOWS = "Windows"
    SOFTWARE = "with software preinstalled"
    CAPACITY = "capacity reserved, not used"
    RESERVED = "reserved, no price on demand"
    SPOT = "spot"
    LOW_PRIORITY = "low priority"
    CLOUD_SERVICES = "Cloud Services"
    DEV_TEST = "for subscriptions of developers"
    PROMOTION = "a promotion"
    FREE = "price zero"
    NOT_USD = "not in US dollars"
    UNIT = "not by the unit that is meant"
    EXPIRED = "no longer in force"
    FUTURE = "not in force yet"
    NOT_FOR_LOAD = "of a family that is not for load injectors"
    IMPLAUSIBLE = "below half of what is usual there"
    UNKNOWN_SIZE = "processors and memory not known"


class ListedPrice(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One price of one region; in JSON a list.

    Attributes:
        item: One of ``ITEMS``.
        usd_micros: The price, per hour, month, GB-month or GB.
        name: The machine type; empty for what is around one.
        zone: Of a spot price that holds in one zone only.
        from_gb: Of a tier: gigabytes, or units of a service, a month from which it holds.
        preference: Between two prices of the same thing the greater one counts, so that their order
            in the answer does not matter.
    """

    item: str
    usd_micros: int
    name: str = ""
    zone: str = ""
    from_gb: int = 0
    preference: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What it is a price of."""
        return (self.item, self.name, self.zone, self.from_gb)


Reading = tuple[ListedPrice, ...] | RowRefusal
"""The prices in a row of a price list, or why it has none."""


class PriceListPage(Struct, frozen=True):
    """What a page of a price list says.

    Attributes:
        prices: Those found.
        left_out: How many rows for which reason.
        published: The newest day, in ISO form, on which any of its rows was published or took
            effect; empty: none says.
        location: AWS's name for people of the region; empty: none says.
    """

    prices: tuple[ListedPrice, ...]
    left_out: Counter[RowRefusal] = field(default_factory=Counter)
    published: str = ""
    location: str = ""


def chosen(prices: Iterable[ListedPrice]) -> list[ListedPrice]:
    """One price for each thing, by preference; in the order of what they are of."""
    best: dict[tuple[str, str, str, int], ListedPrice] = {}
    for price in prices:
        other = best.get(price.key)
        if other is None or _order(price) > _order(other):
            best[price.key] = price
    return [best[key] for key in sorted(best)]


def _order(price: ListedPrice) -> tuple[Sequence[str], int]:
    """With nothing else to choose by, the lower price: what is dearer has something on top."""
    return price.preference, -price.usd_micros


def micros_of(amount: Decimal) -> int:
    """Micro-dollars of a price; what price lists have beyond them is rounded, half up."""
    return int((amount * MICROS_PER_USD).to_integral_value(ROUND_HALF_UP))


class _StoredPage(Struct, frozen=True):
    """A page in JSON: reasons by the names that the code has for them."""

    prices: tuple[ListedPrice, ...]
    left_out: dict[str, int]
    published: str
    location: str


def page_to_json(page: PriceListPage) -> dict[str, Any]:
    """The page as ``json.loads`` would give it."""
    left_out = {reason.name: count for reason, count in page.left_out.items()}
    document: dict[str, Any] = plain(
        _StoredPage(page.prices, left_out, page.published, page.location)
    )
    return document


def page_from_json(document: dict[str, Any]) -> PriceListPage:
    """The page that ``page_to_json`` wrote.

    Raises:
        ValueError, KeyError: It wrote no such thing.
    """
    stored = convert(document, _StoredPage)
    return PriceListPage(
        prices=stored.prices,
        left_out=Counter({RowRefusal[name]: count for name, count in stored.left_out.items()}),
        published=stored.published,
        location=stored.location,
    )
