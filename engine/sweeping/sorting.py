"""Sorting: rows in order, or the first few of them, in memory that does not grow with the rows.

More rows than fit are sorted part by part into files, which are then merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from engine.sweeping.frames import BATCH_ROWS
from engine.sweeping.selection import SortKey, in_order

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
        few = in_order(batch, self._order.keys(batch), self._most)
        if self._kept is not None:
            few = joined([self._kept, few])
            few = in_order(few, self._order.keys(few), self._most)
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
            if self._held:
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
        return in_order(batch, self._order.keys(batch))

    def _merged(self, sources: list[Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
        """What is at most the least of the last keys in memory is out before all that follows."""
        heads = [next(source, None) for source in sources]
        while any(head is not None for head in heads):
            keys = [None if head is None else self._order.keys(head) for head in heads]
            bound = min(own[-1] for own in keys if own is not None)
            ready = []
            for i, (head, own) in enumerate(zip(heads, keys, strict=True)):
                if head is None or own is None:
                    continue
                count = int(np.searchsorted(own, bound, side="right"))
                if count:
                    ready.append(head.slice(0, count))
                rest = head.slice(count)
                heads[i] = rest if rest.num_rows else next(sources[i], None)
            batch = joined(ready)
            yield in_order(batch, self._order.keys(batch))


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches of one schema, one after the other."""
    if len(batches) == 1:
        return batches[0]
    return pa.concat_batches(batches)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as opened, pa.ipc.open_file(opened) as file:
        for i in range(file.num_record_batches):
            yield file.get_batch(i)
