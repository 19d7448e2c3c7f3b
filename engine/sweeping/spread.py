"""Spread: a folder of partitions swept side by side, by an engine that others run.

Every partition is one call of ``sweep_part``, which knows nothing of the others: files in, files
out, and figures that can be sent. Dask maps it over its workers here; whatever else maps a function
over a list, such as Ray or a pool of processes, can do the same. Workers have to see the folders.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.sweeping.columns import Problem
from engine.sweeping.files import sweep_file
from engine.sweeping.known_columns import PLAN
from engine.sweeping.lookup import Lookup
from engine.sweeping.sweep import OnError
from engine.sweeping.table_files import TableFileError
from kernel.files import check_folders_apart
from pricing.catalog import Catalog
from pricing.plans.model import Plan

if TYPE_CHECKING:
    from distributed import Client

PARTITION = "*.parquet"
TOGETHER = ("sweep: OUT is IN", "sweep: OUT is within IN", "sweep: IN is within OUT")


class Part(Struct, frozen=True):
    """One partition, and how it is to be swept.

    Attributes:
        source: The file.
        target: The file that it becomes.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        on_error: What becomes of rows that are no load tests.
        catalog: The folder of machine types and prices; None: the bundled ones.
        plans: Those that rows may name; None: the bundled ones.
    """

    source: Path
    target: Path
    at: date | None = None
    plan: str = PLAN
    on_error: OnError = OnError.REFUSE
    catalog: Path | None = None
    plans: tuple[Plan, ...] | None = None


class PartSwept(Struct, frozen=True):
    """What became of a partition.

    Attributes:
        name: Of its file.
        rows: That were read.
        problems: The first that are marked; the rows count from 0 in each partition.
        marked: How many are.
    """

    name: str
    rows: int
    problems: tuple[Problem, ...]
    marked: int


Mapped = Callable[[Callable[[Part], PartSwept], Sequence[Part]], Iterable[PartSwept]]
"""Calls a function for each part, wherever, and hands out what it returns, in whatever order."""


def sweep_part(part: Part) -> PartSwept:
    """Sweep one partition; as ``sweep_file``."""
    catalog = None if part.catalog is None else Catalog(part.catalog)
    lookup = Lookup(catalog, part.at, part.plan, part.plans)
    done = sweep_file(part.source, part.target, lookup, on_error=part.on_error)
    return PartSwept(part.source.name, done.rows, done.problems, done.marked)


def sweep_folder(  # noqa: PLR0913 - one keyword a thing that decides what it costs, or where
    source: Path,
    target: Path,
    *,
    mapped: Mapped = map,
    catalog: Catalog | None = None,
    at: date | None = None,
    plan: str = PLAN,
    plans: Iterable[Plan] | None = None,
    on_error: OnError = OnError.REFUSE,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[PartSwept, ...]:
    """Sweep every partition of a folder into one of the same name in another folder.

    Args:
        source: A folder of ``.parquet`` files.
        target: A folder that there is not yet; it appears when all partitions are done.
        mapped: Where it is done: ``map`` in this process, ``on_dask(client)`` on a cluster.
        catalog: Machine types and prices, which the workers can read; None: the bundled ones.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        plans: Those that rows may name; None: the bundled ones.
        on_error: What becomes of rows that are no load tests.
        progress: Is told partitions done, and of how many.

    Returns:
        What became of each partition, by the names of their files.

    Raises:
        BadInputError: The target is the source, within it or around it.
        BadColumnError: A row of some partition is no load test.
        TableFileError: There is no partition, or the target exists.
    """
    check_folders_apart(target, source, said=TOGETHER)
    names = sorted(each.name for each in source.glob(PARTITION))
    if not names:
        raise TableFileError(f"{source}: there are no {PARTITION} files in it", file=str(source))
    with _unfinished(target) as folder:
        prices = None if catalog is None else catalog.folder
        sold = None if plans is None else tuple(plans)
        parts = [
            Part(source / each, folder / each, at, plan, on_error, prices, sold) for each in names
        ]
        done: list[PartSwept] = []
        for each in mapped(sweep_part, parts):
            done.append(each)
            if progress is not None:
                progress(len(done), len(parts))
    return tuple(sorted(done, key=lambda each: each.name))


def on_dask(client: Client) -> Mapped:
    """On the workers of a Dask cluster, as they become free."""

    def mapped(function: Callable[[Part], PartSwept], parts: Sequence[Part]) -> Iterator[PartSwept]:
        from distributed import as_completed

        # A file that has been written before is no reason not to write it again: no result is
        # remembered by what went in.
        futures = client.map(function, parts, pure=False)
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            client.cancel(futures)

    return mapped


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place when the block ends, and else goes."""
    if target.exists():
        raise TableFileError(f"{target}: there is such a folder already", file=str(target))
    folder = target.with_name(f".{target.name}.unfinished")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise TableFileError(
            f"{folder}: cannot be made: {error.strerror}; is another sweep under way?",
            file=str(folder),
        ) from error
    try:
        yield folder
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
