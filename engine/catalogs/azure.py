"""Azure's Retail Prices as a source of fresh prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from engine.catalogs.price_source import FetchedPage, Query
from kernel.clock import Clock
from pricing.catalog import MachineType, Source
from pricing.catalog.clouds import AZURE
from pricing.refreshing.azure_items import effective_day, query_filter, read_item
from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    NAT_HOUR,
    PUBLIC_IPV4,
    SERVICE_UNIT,
    ListedPrice,
    PriceListPage,
    RowRefusal,
)
from providers.azure_prices import PUBLIC_ADDRESS, AzurePrices
from providers.environment import azure_price_address


class AzureSource:
    """Azure's figures.

    It answers spot prices with the others, so that they are not asked for by themselves.

    Args:
        clock: The time, and on which waits pass.
        address: Where the list answers.
    """

    provider = AZURE.name
    items = (MACHINE, BOOT_DISK, PUBLIC_IPV4, EGRESS, NAT_HOUR, SERVICE_UNIT)

    def __init__(self, clock: Clock, *, address: str = PUBLIC_ADDRESS) -> None:
        self._prices = AzurePrices(clock, address)
        self._at: datetime = clock.now()
        self._address = address

    def fetch(self, query: Query, following: str | None, rows_before: Sequence[int]) -> FetchedPage:
        """A page of items."""
        wanted = query_filter(query.item, query.region)
        page = self._prices.page(wanted, following, rows_before)
        prices: list[ListedPrice] = []
        left_out: Counter[RowRefusal] = Counter()
        published = ""
        for row in page.rows:
            reading = read_item(row, query.item, query.region, self._at)
            if isinstance(reading, RowRefusal):
                left_out[reading] += 1
            else:
                prices.extend(reading)
                published = max(published, effective_day(row))
        return FetchedPage(
            PriceListPage(tuple(prices), left_out, published), len(page.rows), page.following
        )

    def machine_types(
        self, names: Sequence[str], regions: Sequence[str]
    ) -> Mapping[str, MachineType]:
        """None: the price list does not tell processors and memory."""
        del names, regions
        return {}

    def close(self) -> None:
        """Close its connections."""
        self._prices.close()

    def sources(self, day: date, published: str) -> Mapping[str, Source]:
        """The list."""
        return {
            AZURE.sources.prices: Source(
                "Azure Retail Prices API",
                f"{self._address}/api/retail/prices",
                f"asked on {day}, newest price of {published or 'an unknown day'}",
                "a published price",
            )
        }


def azure_price_list(clock: Clock, *, spot: bool, environment: Mapping[str, str]) -> AzureSource:
    """The list, where Azure has it or the environment says; spot prices are always in it.

    Raises:
        BadInputError: The environment names no address.
    """
    del spot
    return AzureSource(clock, address=azure_price_address(environment) or PUBLIC_ADDRESS)
