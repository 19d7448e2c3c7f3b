"""Files: a sweep from one file of columns to another, batch by batch.

Reading, estimating and writing go on side by side; what is in memory does not grow with the file.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pyarrow as pa
from msgspec import Struct

from engine.sweeping.columns import BadColumnError, Problem
from engine.sweeping.frames import estimated
from engine.sweeping.lookup import Lookup
from engine.sweeping.selection import Condition, SortKey, selected
from engine.sweeping.sorting import First, Sorter
from engine.sweeping.sweep import OnError
from engine.sweeping.table_files import Rows, Write, reading, writing
from kernel.files import check_apart

BATCHES_WAITING = 2
PROBLEMS_KEPT = 20

Progress = Callable[[int, int | None], None]


class Wanted(Struct, frozen=True):
    """What is wanted of a sweep's rows.

    Attributes:
        conditions: All of which hold.
        order: By which column they come; None: as they came.
        top: Only so many of the first, by the order if there is one.
    """

    conditions: Sequence[Condition] = ()
    order: SortKey | None = None
    top: int | None = None


class FileSweep(Struct, frozen=True):
    """What became of a file.

    Attributes:
        rows: That were read.
        marked: Of them are no load tests.
        problems: The first of those.
        written: Rows that were wanted.
        best: The first by the order, where only so many were wanted.
    """

    rows: int
    marked: int
    problems: tuple[Problem, ...]
    written: int
    best: pa.RecordBatch | None


def sweep_file(
    source: Path,
    target: Path | None,
    lookup: Lookup,
    *,
    on_error: OnError = OnError.REFUSE,
    wanted: Wanted | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> FileSweep:
    """Estimate the rows of a file.

    Args:
        source: A file as ``table_files.reading`` takes them, with the columns of ``sweep``.
        target: Where rows and estimates go; None: nowhere, for the sake of ``FileSweep.best``.
        lookup: Catalogue, day and plan.
        on_error: What becomes of rows that are no load tests.
        wanted: Which rows, in which order; None: all, as they came.
        threads: That compute side by side.
        progress: Is told rows done, and of how many if that is known.

    Raises:
        BadInputError: The target is the source.
        BadColumnError: The first row that is no load test; the target stays as it was.
        TableFileError: A file cannot be read or written.
    """
    if target is not None:
        check_apart(target, source, said="sweep: OUT is IN")
    with reading(source) as rows:
        try:
            return sweep_rows(
                rows,
                target,
                lookup,
                folder=(target or source).parent,
                on_error=on_error,
                wanted=wanted,
                threads=threads,
                progress=progress,
            )
        except BadColumnError as error:
            raise BadColumnError(f"{source}: {error.message}", **error.facts) from error


def sweep_rows(  # noqa: PLR0913 - as sweep_file, and where parts may be put
    content: Rows,
    target: Path | None,
    lookup: Lookup,
    *,
    folder: Path,
    on_error: OnError = OnError.REFUSE,
    wanted: Wanted | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> FileSweep:
    """Estimate rows that come in batches; otherwise as ``sweep_file``.

    Args:
        content: The rows.
        target: Where rows and estimates go; None: nowhere.
        lookup: Catalogue, day and plan.
        folder: Where parts of what is sorted may be put.
        on_error: What becomes of rows that are no load tests.
        wanted: Which rows, in which order; None: all, as they came.
        threads: That compute side by side.
        progress: Is told rows done, and of how many if that is known.
    """
    rows = marked = 0
    problems: list[Problem] = []
    with ExitStack() as stack:
        write = _nowhere if target is None else stack.enter_context(writing(target))
        output = _Output(stack.enter_context(_in_background(write)), wanted or Wanted(), folder)
        stack.callback(output.close)
        for batch in stack.enter_context(closing(_ahead(content.batches))):
            done = estimated(batch, lookup, first_row=rows, on_error=on_error, threads=threads)
            rows += batch.num_rows
            marked += len(done.problems)
            problems += done.problems[: PROBLEMS_KEPT - len(problems)]
            output.add(done.rows)
            if progress is not None:
                progress(rows, content.total)
        if not rows:
            empty = pa.RecordBatch.from_pylist([], schema=content.schema)
            output.add(estimated(empty, lookup, on_error=on_error).rows)
        output.finish()
    return FileSweep(rows, marked, tuple(problems), output.written, output.best)


class _Output:
    """Where estimated rows go.

    Attributes:
        written: Rows that were wanted.
        best: See ``FileSweep``.
    """

    def __init__(self, write: Write, wanted: Wanted, folder: Path) -> None:
        self.written = 0
        self.best: pa.RecordBatch | None = None
        self._write = write
        self._wanted = wanted
        self._first: First | None = None
        self._sorter: Sorter | None = None
        if wanted.order is not None and wanted.top is not None:
            self._first = First(wanted.order, wanted.top)
        elif wanted.order is not None:
            self._sorter = Sorter(wanted.order, folder)

    def add(self, batch: pa.RecordBatch) -> None:
        """More rows."""
        wanted = self._wanted
        batch = selected(batch, wanted.conditions)
        if self._first is not None:
            self._first.add(batch)
        elif self._sorter is not None:
            self._sorter.add(batch)
            self.written += batch.num_rows
        else:
            if wanted.top is not None:
                batch = batch.slice(0, wanted.top - self.written)
            self._write(batch)
            self.written += batch.num_rows

    def finish(self) -> None:
        """There are no more."""
        if self._sorter is not None:
            self._sorter.write_to(self._write)
        if self._first is not None:
            self.best = self._first.rows()
            if self.best is not None:
                self._write(self.best)
                self.written = self.best.num_rows

    def close(self) -> None:
        """Leave nothing behind."""
        if self._sorter is not None:
            self._sorter.close()


def _ahead(batches: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    """The same; the next one is read while one is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="sweep-reader") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


@contextmanager
def _in_background(write: Write) -> Iterator[Write]:
    """The same function; what it is given is written while the next is made."""
    waiting: queue.Queue[pa.RecordBatch | None] = queue.Queue(BATCHES_WAITING)
    failed: list[BaseException] = []

    def work() -> None:
        while (batch := waiting.get()) is not None:
            if not failed:
                try:
                    write(batch)
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    failed.append(error)

    thread = threading.Thread(target=work, name="sweep-writer", daemon=True)
    thread.start()

    def hand_over(batch: pa.RecordBatch) -> None:
        if failed:
            raise failed[0]
        waiting.put(batch)

    try:
        yield hand_over
    finally:
        waiting.put(None)
        thread.join()
    if failed:
        raise failed[0]


def _nowhere(batch: pa.RecordBatch) -> None:
    del batch
