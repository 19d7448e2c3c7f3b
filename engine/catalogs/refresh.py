"""A refresh: every region's pages are fetched, read, and put into a new version of the catalogue.

What is fetched is kept page by page. Killed anywhere, a refresh leaves the catalogue in use as it
was, and the next one goes on from the last page.
"""

from __future__ import annotations

import csv
import fcntl
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.catalogs.page_store import PAGES_MAX, PageStore
from engine.catalogs.price_source import FetchedPage, PriceSource, Query
from kernel.errors import BadInputError, ProviderFailedError, RefusedError
from pricing.catalog import BUNDLED, Catalog, CatalogUnreadableError
from pricing.catalog.versions import Versions, check_whole
from pricing.refreshing.changes import (
    IncompletePriceListError,
    RegionChanges,
    RegionFound,
    check_complete,
)
from pricing.refreshing.found import SPOT, Reason, chosen
from pricing.refreshing.merging import Merged, Tables, merged, prices_before, unknown_types
from pricing.refreshing.plausible import usual_prices, without_implausible
from providers.price_lists import StalePlaceError

FRESH_STARTS_MAX = 3
"""How often a list whose place expires is read from its start, each time faster than it expires."""


class RefreshUnderWayError(RefusedError):
    """Another refresh is writing to the same folder."""

    code = "refresh_under_way"


class CatalogFolderError(BadInputError):
    """The folder of the catalogues cannot be written to; facts: ``folder``."""

    code = "catalog_folder"


@dataclass(frozen=True, slots=True)
class Progress:
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


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        version: The new version, in use now.
        before: The one that was in use.
        provider: Whose prices were asked for.
        day: When.
        published: The newest day that the price list names; empty: it names none.
        changes: By region.
        kept: Regions whose prices stay as they were, each with the reason.
    """

    version: str
    before: str
    provider: str
    day: date
    published: str
    changes: tuple[RegionChanges, ...]
    kept: Mapping[str, str]


def refresh(
    source: PriceSource,
    versions: Versions,
    *,
    day: date,
    regions: Sequence[str] = (),
    spot: bool = False,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Refreshed:
    """Make a new version of the catalogue from a price list, and use it.

    Args:
        source: The price list.
        versions: The catalogues; the new one is made from the one in use.
        day: Today; pages that were fetched earlier today are taken as they are.
        regions: Those to ask for; none: all that the catalogue has.
        spot: Whether spot prices are wanted too.
        watch: Told of each region that has been fetched.

    Raises:
        IncompletePriceListError: The answers for all regions lack most of what is known.
        ProviderFailedError: The cloud does not answer; the same refresh goes on later.
        RefreshUnderWayError: Another one is at it.
        CatalogFolderError: The folder cannot be written to.
    """
    with _alone(versions.folder):
        before, base = _base(versions)
        wanted = tuple(dict.fromkeys(regions)) or base.regions(source.provider)
        store = PageStore(versions.folder / "pages" / source.provider, day)
        usual = usual_prices(base, source.provider)
        found = [
            without_implausible(each, usual)
            for each in _fetched(source, store, wanted, spot=spot, watch=watch)
        ]
        names = unknown_types(base, source.provider, found)
        new_types = source.machine_types(names, wanted) if names else {}
        sizes = {*base.machine_types(source.provider), *new_types}
        whole, kept = _complete(source.provider, base, found, sizes, store)
        published = max(each.published for each in whole)
        result = merged(
            base,
            _tables(versions.path(before), source.provider),
            source.provider,
            whole,
            new_types=new_types,
            sources=source.sources(day, published),
            day=day,
        )
        version = versions.add(day, _writer(versions.path(before), result))
        store.clear()
    return Refreshed(version, before, source.provider, day, published, result.changes, kept)


def _base(versions: Versions) -> tuple[str, Catalog]:
    """The catalogue in use; the bundled one where that is damaged."""
    try:
        name = versions.in_use()
        base = versions.open(name)
        check_whole(base)
    except CatalogUnreadableError:
        return BUNDLED, versions.open(BUNDLED)
    return name, base


def _fetched(
    source: PriceSource,
    store: PageStore,
    regions: Sequence[str],
    *,
    spot: bool,
    watch: Callable[[Progress], None],
) -> list[RegionFound]:
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
            Progress(
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
) -> tuple[RegionFound, int, int]:
    """What is found for a region; pages that it took, and pages that were there already."""
    all_pages: list[FetchedPage] = []
    kept, location = 0, ""
    for item in source.items:
        pages, kept_pages = _pages(source, store, Query(region, item, location))
        location = location or next((page.found.location for page in pages), "")
        kept += kept_pages
        all_pages += pages
    left_out = sum((page.found.left_out for page in all_pages), Counter[Reason]())
    prices = chosen(price for page in all_pages for price in page.found.prices)
    if not spot:
        spot_prices = sum(price.item == SPOT for price in prices)
        left_out += Counter({Reason.SPOT: spot_prices})
        prices = [price for price in prices if price.item != SPOT]
    published = max((page.found.published for page in all_pages), default="")
    return RegionFound(region, prices, left_out, published), len(all_pages), kept


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
            f"{query.region}: the price list of {query.item} does not end after {len(pages)} pages",
            region=query.region,
        )


def _complete(
    provider: str, base: Catalog, found: Sequence[RegionFound], sizes: set[str], store: PageStore
) -> tuple[list[RegionFound], dict[str, str]]:
    """The regions that are whole, and why others keep their prices: they are asked for again."""
    whole: list[RegionFound] = []
    errors: dict[str, IncompletePriceListError] = {}
    for each in found:
        try:
            check_complete(provider, each, prices_before(base, provider, each.region), sizes)
        except IncompletePriceListError as error:
            errors[each.region] = error
            store.forget(each.region)
        else:
            whole.append(each)
    if not whole:
        raise next(iter(errors.values()))
    return whole, {region: error.message for region, error in errors.items()}


def _tables(folder: Path, provider: str) -> Tables:
    return Tables(
        machine_types=_rows(folder / provider / "machine-types.csv"),
        surroundings=_rows(folder / "surroundings.csv"),
        egress_tiers=_rows(folder / "egress-tiers.csv"),
        refreshed=_rows(folder / "refreshed.csv"),
    )


def _rows(path: Path) -> list[tuple[str, ...]]:
    """The rows of a table without its header; none where there is no such table yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def _writer(base: Path, result: Merged) -> Callable[[Path], None]:
    """Fills a folder with the files before, and the new ones over them."""

    def write(new: Path) -> None:
        for path in base.rglob("*.*"):
            relative = path.relative_to(base)
            if path.is_file() and relative.as_posix() not in result.files:
                (new / relative).parent.mkdir(parents=True, exist_ok=True)
                # The contents alone: the bundled files may be read-only.
                shutil.copyfile(path, new / relative)
        for name, text in result.files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(text, encoding="utf-8")

    return write


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One refresh at a time; whoever dies lets go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "refresh.lock").open("w") as lock:
            try:
                fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RefreshUnderWayError(
                    f"{folder}: another refresh is under way; wait for its end",
                    folder=str(folder),
                ) from error
            yield
    except OSError as error:
        raise CatalogFolderError(
            f"{folder}: the catalogue cannot be written there: {error.strerror or error}; name "
            "another folder in LOADMUSTER_CATALOG",
            folder=str(folder),
        ) from error
