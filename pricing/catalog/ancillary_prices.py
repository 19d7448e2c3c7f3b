"""What surrounds a machine: addresses, disks, egress, NAT gateways, each at its price by region."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pricing.catalog.clouds import PRICED_CLOUDS
from pricing.catalog.egress import EgressTier
from pricing.catalog.errors import CatalogUnreadableError
from pricing.catalog.model import Price
from pricing.catalog.tables import day, read_table, yes_or_no
from pricing.money import usd_micros

ANCILLARY_PRICES_FILE = "surroundings.csv"
ANCILLARY_PRICES_COLUMNS = (
    "provider",
    "region",
    "item",
    "usd",
    "per",
    "as_of",
    "source",
    "estimated",
    "usd_low",
    "usd_high",
)
EGRESS_TIERS_FILE = "egress-tiers.csv"
EGRESS_TIERS_COLUMNS = ("provider", "region", "from_gb", "usd", "as_of", "source")

# The region of a row that holds wherever no row names the region itself.
ANY_REGION = "*"


class NatPrices(Struct, frozen=True):
    """What a NAT gateway costs: for each hour that begins, and for each gigabyte either way."""

    hour: Price
    gigabyte: Price


class AncillaryPrices:
    """The prices of what surrounds machines, read when one is first asked for.

    Args:
        folder: Holds ``surroundings.csv``, and ``egress-tiers.csv`` where tiers are known.
        remedy: What to do about a file that cannot be read; empty: nothing can be done.
    """

    def __init__(self, folder: Path, remedy: str = "") -> None:
        self._folder = folder
        self._remedy = remedy
        self._prices: dict[tuple[str, str, str], Price] = {}
        self._tiers: dict[tuple[str, str], tuple[EgressTier, ...]] | None = None

    def price(self, provider: str, region: str, item: str) -> Price:
        """The price of an item that every region has.

        Raises:
            CatalogUnreadableError: No row names the region, nor any.
        """
        price = self.find(provider, region, item)
        if price is None:
            raise CatalogUnreadableError(
                f"{ANCILLARY_PRICES_FILE}: no price of {item} for {provider} {region}, nor for any "
                f"region{self._remedy}",
                provider=provider,
                region=region,
                item=item,
            )
        return price

    def find(self, provider: str, region: str, item: str) -> Price | None:
        """The price of an item; None: it is not known on that cloud."""
        if not self._prices:
            path = self._folder / ANCILLARY_PRICES_FILE
            rows = read_table(path, ANCILLARY_PRICES_COLUMNS, _build_price, self._remedy)
            self._prices = dict(rows)
        named = self._prices.get((provider, region, item))
        return named or self._prices.get((provider, ANY_REGION, item))

    def boot_disk(self, provider: str, region: str) -> Price:
        """The price of one injector's boot disk, per month."""
        price = self.price(provider, region, "boot-disk")
        gib = PRICED_CLOUDS[provider].boot_disk_gib
        return _times(price, gib) if price.per == "GB-month" else price

    def egress_tiers(self, provider: str, region: str) -> tuple[EgressTier, ...]:
        """The prices of a gigabyte sent to the internet, by tier where tiers are known."""
        if self._tiers is None:
            self._tiers = self._read_tiers()
        known = self._tiers.get((provider, region))
        return known or (EgressTier(0, self.price(provider, region, "egress")),)

    def nat(self, provider: str, region: str) -> NatPrices | None:
        """What a NAT gateway costs; None: it is not known on that cloud."""
        hour = self.find(provider, region, "nat-hour")
        gigabyte = self.find(provider, region, "nat-gb")
        return None if hour is None or gigabyte is None else NatPrices(hour, gigabyte)

    def _read_tiers(self) -> dict[tuple[str, str], tuple[EgressTier, ...]]:
        path = self._folder / EGRESS_TIERS_FILE
        if not path.exists():
            return {}
        tiers: dict[tuple[str, str], list[EgressTier]] = {}
        for place, tier in read_table(path, EGRESS_TIERS_COLUMNS, _build_tier, self._remedy):
            tiers.setdefault(place, []).append(tier)
        return {
            place: tuple(sorted(found, key=lambda tier: tier.from_gb))
            for place, found in tiers.items()
        }


def _build_price(row: list[str]) -> tuple[tuple[str, str, str], Price]:
    """A row's price; what is known as a range only counts at its dear end.

    So a place whose figure is missing is never taken over one whose figure is known.
    """
    provider, region, item, usd, per, as_of, source, estimated, low, high = row
    price = Price(
        usd_micros(high or usd),
        per,
        day(as_of),
        source,
        estimated=yes_or_no(estimated),
        low_usd_micros=usd_micros(low) if low else None,
        high_usd_micros=usd_micros(high) if high else None,
    )
    return (provider, region, item), price


def _build_tier(row: list[str]) -> tuple[tuple[str, str], EgressTier]:
    provider, region, from_gb, usd, as_of, source = row
    price = Price(usd_micros(usd), "GB", day(as_of), source, estimated=False)
    return (provider, region), EgressTier(int(from_gb), price)


def _times(price: Price, gib: int) -> Price:
    """The monthly price of a disk from its price per gigabyte and month."""
    return replace(
        price,
        usd_micros=price.usd_micros * gib,
        per="month",
        low_usd_micros=None if price.low_usd_micros is None else price.low_usd_micros * gib,
        high_usd_micros=None if price.high_usd_micros is None else price.high_usd_micros * gib,
    )
