"""Reading the catalogue's data files, strictly: a malformed row is refused, with its line.

The files are CSV with a fixed header, sorted by name, so that a refreshed price is a diff of one
line.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

from kernel.errors import BadInputError
from pricing.catalog.errors import CatalogUnreadableError

Row = TypeVar("Row")


def read_table(
    path: Path,
    header: tuple[str, ...],
    build: Callable[[list[str]], Row],
    remedy: str = "",
) -> list[Row]:
    """One value per row of the file, in the file's order.

    Args:
        path: The CSV file, UTF-8.
        header: What its first line must be.
        build: Makes the value; what it raises over a bad field refuses the row.
        remedy: What to do about a file that cannot be read, for the end of the message.

    Raises:
        CatalogUnreadableError: With the file and the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != header:
                raise _unreadable(path, 1, f"the header must be {','.join(header)}", remedy)
            try:
                return [build(row) for row in reader]
            except (ValueError, KeyError, ArithmeticError, BadInputError, csv.Error) as error:
                raise _unreadable(path, reader.line_num, str(error), remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogUnreadableError(
            f"{path}: the catalogue's data file cannot be read: {error}{remedy}", file=str(path)
        ) from error


@cache
def day(text: str) -> date:
    """The date of an ISO text; a file repeats a few dates thousands of times."""
    return date.fromisoformat(text)


def optional_int(text: str) -> int | None:
    """A number, or None for an empty field: not published."""
    return int(text) if text else None


def yes_or_no(text: str) -> bool:
    """True for ``yes``, False for ``no``, nothing else."""
    return {"yes": True, "no": False}[text]


def _unreadable(path: Path, line: int, problem: str, remedy: str) -> CatalogUnreadableError:
    return CatalogUnreadableError(
        f"{path}, line {line}: not a row of the catalogue: {problem}{remedy}",
        file=str(path),
        line=line,
    )
