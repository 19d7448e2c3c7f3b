"""Fetching: every page of a price list, region by region, each page kept as soon as it is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.catalogs.page_store import PAGES_MAX, PageStore
from engine.catalogs.price_source import FetchedPage, PriceSource, Query
from kernel.errors import ProviderFailedError
from kernel.words import counted
from pricing.catalog import UnknownRegionError
from pricing.refreshing.changes import IncompletePriceListError, RegionPriceList
from pricing.refreshing.price_list_rows import SPOT, RowRefusal, chosen
from providers.price_lists import StalePlaceError

FRESH_STARTS_MAX = 3
"""How often a list whose place expires is read from its start, each time faster than it expires."""


_REGION = re.compile(r"[A-Za-z0-9-]{1,60}")


class FetchProgress(Struct, frozen=True):
    """A region that has been fetched.

    Attributes:
        region: Its name.
        number: The how manieth it is.
        regions: Of how many.
        prices: Prices found there.
        left_out: Rows that are none.
        pages: Pages that it took.
        kept_pages: Those of them that an earlier refresh had fetched.
    """

    region: str
    number: int
    regions: int
    prices: int
    left_out: int
    pages: int
    kept_pages: int


def check_names(regions: Sequence[str]) -> None:
    """Names of regions become names of files.

    Raises:
        UnknownRegionError: No region could have that name.
    """
    for region in regions:
        if not _REGION.fullmatch(region):
            raise UnknownRegionError(
                f"{region[:40]!r} is no name of a region; write it like eu-west-1 or westeurope",
                region=region[:40],
            )


def fetched(
    source: PriceSource,
    store: PageStore,
    regions: Sequence[str],
    *,
    spot: bool,
    watch: Callable[[FetchProgress], None],
) -> list[RegionPriceList]:
    """What the price list says of each region, every page of it.

    Args:
        source: The price list.
        store: Pages that were fetched earlier are in it, and those that are fetched now go there.
        regions: Those to ask for.
        spot: Whether spot prices are wanted too.
        watch: Told of each region that has been fetched.

    Raises:
        IncompletePriceListError: The list does not end, or expires again and again.
        ProviderFailedError: The cloud does not answer; what was fetched is kept.
    """
    found = []
    for number, region in enumerate(regions, 1):
        try:
            region_found, pages, kept_pages = _region(source, store, region, spot=spot)
        except ProviderFailedError as error:
            if not store.pages(Query(regions[0], source.items[0])):
                raise
            raise type(error)(
                f"{error.message}; {number - 1} of {len(regions)} regions are fetched, and the "
                "same command goes on from there today",
                **error.facts,
            ) from error
        found.append(region_found)
        watch(
            FetchProgress(
                region,
                number,
                len(regions),
                prices=len(region_found.prices),
                left_out=region_found.left_out.total(),
                pages=pages,
                kept_pages=kept_pages,
            )
        )
    return found


def _region(
    source: PriceSource, store: PageStore, region: str, *, spot: bool
) -> tuple[RegionPriceList, int, int]:
    """What is found for a region; pages that it took, and pages that were there already."""
    all_pages: list[FetchedPage] = []
    kept, location = 0, ""
    for item in source.items:
        pages, kept_pages = _pages(source, store, Query(region, item, location))
        location = location or next((page.found.location for page in pages), "")
        kept += kept_pages
        all_pages += pages
        if not any(page.found.prices for page in all_pages):
            break  # no machines: what surrounds them is of no use
    left_out = sum((page.found.left_out for page in all_pages), Counter[RowRefusal]())
    prices = chosen(price for page in all_pages for price in page.found.prices)
    if not spot:
        spot_prices = sum(price.item == SPOT for price in prices)
        left_out += Counter({RowRefusal.SPOT: spot_prices})
        prices = [price for price in prices if price.item != SPOT]
    published = max((page.found.published for page in all_pages), default="")
    return RegionPriceList(region, prices, left_out, published), len(all_pages), kept


def _pages(source: PriceSource, store: PageStore, query: Query) -> tuple[list[FetchedPage], int]:
    """All pages of an answer, and how many of them were there already."""
    for _ in range(FRESH_STARTS_MAX):
        pages = store.pages(query)
        kept = len(pages)
        try:
            while not pages or pages[-1].following is not None:
                _check_goes_on(query, pages)
                following = pages[-1].following if pages else None
                page = source.fetch(query, following, [each.rows for each in pages])
                pages.append(page)
                store.add(query, len(pages), page)
        except StalePlaceError:
            store.drop(query)
            continue
        return pages, kept
    raise IncompletePriceListError(
        f"{source.provider} {query.region}: the price list expired {FRESH_STARTS_MAX} times while "
        "it was read; try again later",
        region=query.region,
    )


def _check_goes_on(query: Query, pages: Sequence[FetchedPage]) -> None:
    """An answer that leads in a circle, or has no end, is given up."""
    places = [page.following for page in pages]
    if len(pages) >= PAGES_MAX or len(set(places)) < len(places):
        raise IncompletePriceListError(
            f"{query.region}: the price list of {query.item} does not end "
            f"after {counted(len(pages), 'page')}",
            region=query.region,
        )
