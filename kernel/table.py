"""A table of facts: one row for each of a kind, found by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """What stands in a table."""

    @property
    def name(self) -> str:
        """By which its row is found."""
        ...


Row = TypeVar("Row", bound=Named)


class Table(Mapping[str, Row], Generic[Row]):
    """Rows by their names, in the order in which they are shown.

    Args:
        rows: No two of one name.
    """

    def __init__(self, *rows: Row) -> None:
        self._rows = {row.name: row for row in rows}
        assert len(self._rows) == len(rows), "two rows of one name"

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @contextmanager
    def extended(self, row: Row) -> Iterator[None]:
        """One row more, after the others, for as long as the context lasts.

        Whoever reads the table meanwhile, in whichever thread, sees it.
        """
        assert row.name not in self._rows, row.name
        before = self._rows
        self._rows = {**before, row.name: row}
        try:
            yield
        finally:
            self._rows = before
