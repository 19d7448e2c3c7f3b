"""A refresh: every region's pages are fetched, read, and put into a new version of the catalogue.

What is fetched is kept page by page. Killed anywhere, a refresh leaves the catalogue in use as it
was, and the next one goes on from the last page.
"""

from __future__ import annotations

import csv
import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from msgspec import Struct

from engine.catalogs.fetching import FetchProgress, check_names, fetched
from engine.catalogs.page_store import PageStore
from engine.catalogs.price_source import PriceSource
from kernel.errors import BadInputError, RefusedError
from pricing.catalog import BUNDLED, Catalog, CatalogUnreadableError
from pricing.catalog.catalog import REFRESHED_FILE
from pricing.catalog.service_prices import SERVICE_PRICES_FILE
from pricing.catalog.versions import Versions, check_whole
from pricing.refreshing.changes import (
    IncompletePriceListError,
    RegionChanges,
    RegionPriceList,
    check_complete,
)
from pricing.refreshing.merging import (
    Merged,
    Tables,
    merged,
    prices_before,
    unknown_types,
    with_refreshed,
)
from pricing.refreshing.plausible import usual_prices, without_implausible


class RefreshUnderWayError(RefusedError):
    """Another refresh is writing to the same folder."""

    code = "refresh_under_way"


class CatalogFolderError(BadInputError):
    """The folder of the catalogues cannot be written to; facts: ``folder``."""

    code = "catalog_folder"


class Refreshed(Struct, frozen=True):
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
    watch: Callable[[FetchProgress], None] = lambda _: None,
) -> Refreshed:
    """Make a new version of the catalogue from a price list, and use it.

    Args:
        source: The price list.
        versions: The catalogues; the new one has all that was refreshed in the one in use, and the
            bundled figures elsewhere.
        day: Today; pages that were fetched earlier today are taken as they are.
        regions: Those to ask for; none: all that the catalogue has.
        spot: Whether spot prices are wanted too.
        watch: Told of each region that has been fetched.

    Raises:
        IncompletePriceListError: The answers for all regions lack most of what is known.
        ProviderFailedError: The cloud does not answer; the same refresh goes on later.
        RefreshUnderWayError: Another one is at it.
        CatalogFolderError: The folder cannot be written to.
        UnknownRegionError: A region's name is none that any region could have.
    """
    with _alone(versions.folder):
        before, base = _base(versions)
        wanted = tuple(dict.fromkeys(regions)) or base.regions(source.provider)
        check_names(wanted)
        store = PageStore(versions.folder / "pages" / source.provider, day)
        usual = usual_prices(base, source.provider)
        found = [
            without_implausible(each, usual)
            for each in fetched(source, store, wanted, spot=spot, watch=watch)
        ]
        bundled = versions.open(BUNDLED)
        folders = (versions.path(BUNDLED), versions.path(before))
        tables = with_refreshed(*(_tables(folder, source.provider) for folder in folders))
        names = unknown_types(tables, found)
        new_types = source.machine_types(names, wanted) if names else {}
        sizes = {*(row[0] for row in tables.machine_types), *new_types}
        whole, kept = _complete(source.provider, base, found, sizes, store)
        published = max(each.published for each in whole)
        result = merged(
            base,
            tables,
            source.provider,
            whole,
            new_types=new_types,
            sources={**bundled.sources(), **base.sources(), **source.sources(day, published)},
            day=day,
        )
        version = versions.add(day, _writer(folders[0], folders[1], result))
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


def _complete(
    provider: str,
    base: Catalog,
    found: Sequence[RegionPriceList],
    sizes: set[str],
    store: PageStore,
) -> tuple[list[RegionPriceList], dict[str, str]]:
    """The regions that are whole, and why others keep their prices: they are asked for again."""
    whole: list[RegionPriceList] = []
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
    return whole, {region: error.line for region, error in errors.items()}


def _tables(folder: Path, provider: str) -> Tables:
    return Tables(
        machine_types=_rows(folder / provider / "machine-types.csv"),
        ancillary_prices=_rows(folder / "surroundings.csv"),
        egress_tiers=_rows(folder / "egress-tiers.csv"),
        service_prices=_rows(folder / SERVICE_PRICES_FILE),
        refreshed=_rows(folder / REFRESHED_FILE),
    )


def _rows(path: Path) -> list[tuple[str, ...]]:
    """The rows of a table without its header; none where there is no such table yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def _writer(bundled: Path, before: Path, result: Merged) -> Callable[[Path], None]:
    """Fills a folder: the bundled files, those refreshed before over them, and the new ones."""
    sources = [(path, path.relative_to(bundled)) for path in bundled.rglob("*.*")]
    for provider, region, _ in _rows(before / REFRESHED_FILE):
        names = (f"{provider}/regions/{region}.csv", f"{provider}/spot/{region}.csv")
        sources += [(before / name, Path(name)) for name in names]

    def write(new: Path) -> None:
        for path, relative in sources:
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
