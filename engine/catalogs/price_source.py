"""A price list to be refreshed from: what is asked of it, and what comes back, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from msgspec import Struct

from pricing.catalog import MachineType, Source
from pricing.refreshing.price_list_rows import PriceListPage


class Query(Struct, frozen=True):
    """One question to a price list.

    Attributes:
        region: The cloud's code of it.
        item: What of; one of ``pricing.refreshing.price_list_rows.ITEMS``.
        location: The cloud's name of the region for people, where a machine's price said it.
    """

    region: str
    item: str
    location: str = ""


class FetchedPage(Struct, frozen=True):
    """A page of the answer.

    Attributes:
        found: What it says.
        rows: How many rows it had.
        following: How to ask for the next one; None: this was the last.
    """

    found: PriceListPage
    rows: int
    following: str | None


class PriceSource(Protocol):
    """One cloud's price list."""

    @property
    def provider(self) -> str:
        """The cloud, as the catalogue calls it."""
        ...

    @property
    def items(self) -> Sequence[str]:
        """What to ask for in each region, machines first."""
        ...

    def fetch(self, query: Query, following: str | None, rows_before: Sequence[int]) -> FetchedPage:
        """A page of the answer to a query.

        Args:
            query: The question.
            following: What the page before said; None: the first page.
            rows_before: How many rows each page before had.

        Raises:
            StalePlaceError: The place to go on from has expired; ask from the start.
            ProviderFailedError: No page is to be had.
        """
        ...

    def machine_types(
        self, names: Sequence[str], regions: Sequence[str]
    ) -> Mapping[str, MachineType]:
        """The sizes of those of the machine types whose size the cloud tells."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...

    def sources(self, day: date, published: str) -> Mapping[str, Source]:
        """What to name as the source of the figures, by the keys of the catalogue."""
        ...
