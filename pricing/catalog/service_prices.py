"""What clouds list for load-testing services of their own: the price of a unit, by tier and region.

The bundled catalogue has none; a refreshed one has what the cloud's price list said.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from msgspec import Struct

from pricing.catalog.tables import day, read_table
from pricing.money import usd_micros

SERVICE_PRICES_FILE = "service-prices.csv"
SERVICE_PRICES_COLUMNS = ("provider", "region", "from_units", "usd", "as_of", "source")


class ServiceTier(Struct, frozen=True):
    """The price of a unit of a cloud's load-testing service, from so many units a month on."""

    from_units: int
    usd_micros: int
    as_of: date
    source: str


def read_service_prices(
    folder: Path, remedy: str = ""
) -> dict[str, dict[str, tuple[ServiceTier, ...]]]:
    """Tiers by provider and region, each by ``from_units``; empty: nobody asked a price list.

    Raises:
        CatalogUnreadableError: With the file and the line.
    """
    path = folder / SERVICE_PRICES_FILE
    if not path.exists():
        return {}
    found: dict[str, dict[str, list[ServiceTier]]] = {}
    for provider, region, tier in read_table(path, SERVICE_PRICES_COLUMNS, _build, remedy):
        found.setdefault(provider, {}).setdefault(region, []).append(tier)
    return {
        provider: {
            region: tuple(sorted(tiers, key=lambda tier: tier.from_units))
            for region, tiers in regions.items()
        }
        for provider, regions in found.items()
    }


def _build(row: list[str]) -> tuple[str, str, ServiceTier]:
    provider, region, from_units, usd, as_of, source = row
    return provider, region, ServiceTier(int(from_units), usd_micros(usd), day(as_of), source)
