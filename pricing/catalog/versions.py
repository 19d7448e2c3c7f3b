"""Versions of the catalogue: refreshed ones beside the bundled one, and which of them is in use.

    FOLDER/current              names the version in use
    FOLDER/versions/2026-11-22  a whole catalogue, in the form of the bundled one

A version is written beside the others, read through once, and given its name in one step; then
``current`` is replaced in another. Killed between any two, the version in use is the one before. A
version never changes once it has its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.catalog.catalog import BUNDLED, BUNDLED_FOLDER, Catalog
from pricing.catalog.clouds import PRICED_CLOUDS
from pricing.catalog.errors import CatalogUnreadableError

KEPT_VERSIONS = 5
REMEDY = "`loadmuster catalog use bundled` goes back to the bundled prices"

_NAME = re.compile(r"\d{4}-\d\d-\d\d(-\d+)?")
_UNFINISHED = ".new-"


class UnknownVersionError(BadInputError):
    """The catalogue has no such version; facts: ``version``."""

    code = "unknown_catalog_version"


class Versions:
    """The versions in a folder.

    Args:
        folder: Theirs; it need not exist.
        bundled: The catalogue that comes with the package.
    """

    def __init__(self, folder: Path, bundled: Path = BUNDLED_FOLDER) -> None:
        self.folder = folder
        self._bundled = bundled

    def in_use(self) -> str:
        """Name of the version in use, ``bundled`` if none was refreshed.

        Raises:
            CatalogUnreadableError: What says so cannot be read.
        """
        path = self.folder / "current"
        try:
            name = path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            return BUNDLED
        except (OSError, UnicodeDecodeError) as error:
            raise CatalogUnreadableError(
                f"{path}: what catalogue is in use cannot be read: {error}; {REMEDY}",
                file=str(path),
            ) from error
        if name != BUNDLED and not (_NAME.fullmatch(name) and self._path(name).is_dir()):
            raise CatalogUnreadableError(
                f"{path}: names the catalogue {name[:40]!r}, which is not there; {REMEDY}",
                file=str(path),
                version=name[:40],
            )
        return name

    def open(self, name: str) -> Catalog:
        """A version by its name.

        Raises:
            UnknownVersionError: There is none; the message names those there are.
        """
        if name == BUNDLED:
            if self._bundled == BUNDLED_FOLDER:
                return Catalog.bundled()
            return Catalog(self._bundled)
        if name not in self.names():
            known = (BUNDLED, *self.names())
            raise UnknownVersionError(
                f"no version {name!r}{meant(name, known)} of the catalogue; there are "
                + ", ".join(known),
                version=name,
            )
        return Catalog(self._path(name), name=name, remedy=REMEDY)

    def path(self, name: str) -> Path:
        """The folder of a version, to be read only."""
        return self._bundled if name == BUNDLED else self._path(name)

    def names(self) -> list[str]:
        """The refreshed versions, oldest first."""
        with suppress(FileNotFoundError, NotADirectoryError):
            found = [each.name for each in (self.folder / "versions").iterdir()]
            return sorted(filter(_NAME.fullmatch, found), key=_age)
        return []

    def use(self, name: str) -> Catalog:
        """From now on commands use this version; it is read through first.

        Raises:
            UnknownVersionError: There is none.
            CatalogUnreadableError: It is damaged; the version in use stays.
        """
        catalog = self.open(name)
        check_whole(catalog)
        self._set_current(name)
        return catalog

    def add(self, day: date, write: Callable[[Path], None]) -> str:
        """Make a new version and use it; older ones go, but for the newest.

        Args:
            day: Its name, with a number if the day has one already.
            write: Fills the empty folder that it is given.

        Raises:
            CatalogUnreadableError: What was written is no catalogue; nothing has changed.
        """
        self._clear_unfinished()
        name = self._free_name(day)
        new = self.folder / "versions" / f"{_UNFINISHED}{name}"
        new.mkdir(parents=True)
        write(new)
        check_whole(Catalog(new, name=name))
        _to_disk(new)
        new.rename(self._path(name))
        _to_disk_alone(new.parent)
        self._set_current(name)
        self._forget_old(name)
        return name

    def _path(self, name: str) -> Path:
        return self.folder / "versions" / name

    def _free_name(self, day: date) -> str:
        """After the last one of the day: a name that was forgotten is never given again."""
        numbers = [number for text, number in map(_age, self.names()) if text == day.isoformat()]
        return f"{day}-{max(numbers) + 1}" if numbers else day.isoformat()

    def _set_current(self, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / "current.new"
        with new.open("w", encoding="utf-8") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / "current")
        _to_disk_alone(self.folder)

    def _clear_unfinished(self) -> None:
        """What a refresh left that did not get to its end."""
        import shutil  # only a refresh needs it

        with suppress(FileNotFoundError):
            for each in (self.folder / "versions").iterdir():
                if each.name.startswith(_UNFINISHED):
                    shutil.rmtree(each)

    def _forget_old(self, in_use: str) -> None:
        import shutil  # only a refresh needs it

        for name in self.names()[:-KEPT_VERSIONS]:
            if name != in_use:
                # Without its name first, so that nobody finds half of it.
                going = self._path(f"{_UNFINISHED}{name}")
                self._path(name).rename(going)
                shutil.rmtree(going)


def check_whole(catalog: Catalog) -> None:
    """Read everything that a catalogue has.

    Raises:
        CatalogUnreadableError: Something cannot be read, or names a source that is not there.
    """
    sources = catalog.sources()
    catalog.refreshed()
    for provider in PRICED_CLOUDS:
        catalog.service_prices(provider)
        for region in catalog.regions(provider):
            offerings = catalog.offerings(provider, region)
            prices = (
                catalog.public_ipv4(provider, region),
                catalog.boot_disk(provider, region),
                *(tier.price for tier in catalog.egress_tiers(provider, region)),
            )
            catalog.nat(provider, region)
            catalog.spot(provider, region, "")
            named = {each.source for each in offerings} | {each.source for each in prices}
            if not offerings or not named <= sources.keys():
                problem = "no machine types" if not offerings else "a source that is not listed"
                raise CatalogUnreadableError(
                    f"catalogue {catalog.name}: {provider} {region} has {problem}",
                    version=catalog.name,
                )


def _age(name: str) -> tuple[str, int]:
    day, number = name[:10], name[11:]
    return day, int(number or 1)


def _to_disk(folder: Path) -> None:
    """Have all files of a folder written out before it gets its name."""
    for root, _, files in os.walk(folder):
        for file in files:
            _to_disk_alone(Path(root) / file)
        _to_disk_alone(Path(root))


def _to_disk_alone(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
