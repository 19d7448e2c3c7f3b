"""Documents with so many rows that they are printed as they come."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from textwrap import indent
from typing import Any, TypeVar

from loadmuster.cli.output import document_text, unread_is_no_failure

_Row = TypeVar("_Row")
_INDENT = "  "


def print_rows(head: Mapping[str, Any], name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document whose last field holds rows; one of them is in memory at a time.

    It is written as ``json.dumps`` with an indent would write it.

    Args:
        head: The fields before.
        name: Of the last field.
        rows: What it holds.
    """
    # The first row is made before anything is printed: what is refused is refused with it.
    coming = iter(rows)
    first = list(islice(coming, 1))
    with unread_is_no_failure():
        write = sys.stdout.write
        write("{\n")
        for key, value in head.items():
            write(f"{_INDENT}{_json(key)}: {indent(_json(value), _INDENT).lstrip()},\n")
        write(f"{_INDENT}{_json(name)}: [")
        between = "\n"
        for row in chain(first, coming):
            write(between + indent(_json(row), 2 * _INDENT))
            between = ",\n"
        write(f"\n{_INDENT}]\n}}\n" if first else "]\n}\n")


def pages(rows: Iterable[_Row], size: int) -> Iterator[list[_Row]]:
    """The rows, so many at a time."""
    coming = iter(rows)
    while page := list(islice(coming, size)):
        yield page


def _json(value: object) -> str:
    return document_text(value, len(_INDENT))
