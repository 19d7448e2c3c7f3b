"""Pages that a refresh has fetched: kept until it has got to its end, so that another one goes on.

    FOLDER/2026-11-22/eu-west-1/machine-0003.json

They are those of one day: prices of another day are asked for again. A page is there or it is not;
one that was cut off by a crash counts as not there.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

from engine.catalogs.price_source import FetchedPage, Query
from kernel.files import write_whole
from pricing.refreshing.price_list_rows import page_from_json, page_to_json

FORMAT = 1
"""A page that another form of this program has written is asked for again."""

PAGES_MAX = 2_000


class PageStore:
    """The pages of one cloud's price list.

    Args:
        folder: Of that cloud; made when the first page comes.
        day: Only pages of this day count; others go.
    """

    def __init__(self, folder: Path, day: date) -> None:
        self._folder = folder
        self._day = day.isoformat()
        if folder.is_dir():
            for each in folder.iterdir():
                if each.name != self._day:
                    shutil.rmtree(each)

    def pages(self, query: Query) -> list[FetchedPage]:
        """The pages from the first on, up to the first that is missing."""
        found = []
        for number in range(1, PAGES_MAX + 1):
            page = _read(self._path(query, number))
            if page is None:
                break
            found.append(page)
            if page.following is None:
                break
        return found

    def add(self, query: Query, number: int, page: FetchedPage) -> None:
        """Keep a page; the first has number 1."""
        path = self._path(query, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "format": FORMAT,
            "rows": page.rows,
            "following": page.following,
            "found": page_to_json(page.found),
        }
        write_whole(path, json.dumps(document).encode())

    def drop(self, query: Query) -> None:
        """Forget the pages of a query."""
        _remove_backwards(self._path(query, 1).parent, f"{query.item}-*")

    def forget(self, region: str) -> None:
        """Forget the pages of a region."""
        _remove_backwards(self._folder / self._day / region, "*")

    def clear(self) -> None:
        """Forget all of them: they are in a version of the catalogue now."""
        pages = self._folder / self._day
        if pages.is_dir():
            # All at once, lest a part of them is taken for the beginning.
            pages.rename(self._folder / "gone")
        if self._folder.is_dir():
            shutil.rmtree(self._folder)

    def _path(self, query: Query, number: int) -> Path:
        return self._folder / self._day / query.region / f"{query.item}-{number:04d}.json"


def _read(path: Path) -> FetchedPage | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            return None
        found = page_from_json(document["found"])
        return FetchedPage(found, document["rows"], document["following"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_backwards(folder: Path, pattern: str) -> None:
    """The last page first: whenever it stops, what is left are the first pages."""
    if folder.is_dir():
        for each in sorted(folder.glob(pattern), reverse=True):
            each.unlink()
