"""Sorting: rows in order, or the first few of them, in memory that does not grow with the rows.

More rows than fit are sorted part by part into files, which are then merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from engine.sweeping.frames import BATCH_ROWS
from engine.sweeping.selection import SortKey

PART_ROWS = 8 * BATCH_ROWS
MERGED_ROWS = 1 << 16
"""Of each part that are in memory while parts are merged."""

Write = Callable[[pa.RecordBatch], None]


class First:
    """The first rows by an order.

    Args:
        order: By which column.
        most: How many.
    """

    def __init__(self, order: SortKey, most: int) -> None:
        self._order = order
        self._most = most
        self._kept: pa.RecordBatch | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at more rows."""
        few = self._order.sorted(batch, self._most)
        if self._kept is not None:
            few = self._order.sorted(joined([self._kept, few]), self._most)
        self._kept = few

    def rows(self) -> pa.RecordBatch | None:
        """The first of all that were looked at, in order; None: there was no batch."""
        return self._kept


class Sorter:
    """All rows by an order.

    Args:
        order: By which column.
        folder: Where parts may be put; they are gone in the end.
        part_rows: Rows that are sorted in memory.
    """

    def __init__(self, order: SortKey, folder: Path, part_rows: int = PART_ROWS) -> None:
        self._order = order
        self._part_rows = part_rows
        self._parts = TemporaryDirectory(prefix=".sorting-", dir=folder)
        self._files: list[Path] = []
        self._held: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take more rows."""
        self._held.append(batch)
        if sum(each.num_rows for each in self._held) >= self._part_rows:
            path = Path(self._parts.name) / f"{len(self._files)}.arrow"
            part = self._sorted_held()
            with pa.ipc.new_file(str(path), part.schema) as writer:
                for low in range(0, part.num_rows, MERGED_ROWS):
                    writer.write_batch(part.slice(low, MERGED_ROWS))
            self._files.append(path)

    def write_to(self, write: Write) -> None:
        """Hand out all rows in order."""
        try:
            if not self._files:
                if self._held:
                    write(self._sorted_held())
                return
            sources = [_read(path) for path in self._files]
            if any(each.num_rows for each in self._held):
                sources.append(iter([self._sorted_held()]))
            for batch in self._merged(sources):
                write(batch)
        finally:
            self.close()

    def close(self) -> None:
        """Remove the parts."""
        self._parts.cleanup()

    def _sorted_held(self) -> pa.RecordBatch:
        batch = joined(self._held)
        self._held = []
        return self._order.sorted(batch)

    def _merged(self, sources: list[Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
        """What comes before the first of the last keys in memory is out before all that follows.

        Rows with that key itself go as far as the first source that may have more of them, so that
        rows that are alike stay as they came.
        """
        heads = {i: head for i, each in enumerate(sources) for head in islice(each, 1)}
        while heads:
            last_keys = {i: self._order.last_key(head) for i, head in heads.items()}
            bound = self._order.first_key(last_keys.values())
            with_alike = True
            ready = []
            for i, last_key in last_keys.items():
                count = self._order.count(heads[i], bound, with_alike=with_alike)
                with_alike = with_alike and last_key != bound
                ready.append(heads[i].slice(0, count))
                if count < heads[i].num_rows:
                    heads[i] = heads[i].slice(count)
                elif (head := next(sources[i], None)) is not None:
                    heads[i] = head
                else:
                    del heads[i]
            yield self._order.sorted(joined(ready))


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches of one schema, one after the other."""
    if len(batches) == 1:
        return batches[0]
    return pa.concat_batches(batches)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as opened, pa.ipc.open_file(opened) as file:
        for i in range(file.num_record_batches):
            yield file.get_batch(i)
