"""``loadmuster sweep``: the whole estimate over columns of a file, or over a grid of what-ifs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from engine.sweeping.known_columns import (
    IN_DOLLARS,
    INPUTS,
    OUTPUTS,
    SIZES,
    InputColumn,
    OutputColumn,
)
from kernel.errors import BadInputError
from kernel.extras import is_installed, not_installed
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.overwriting import check_reads_stay
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from engine.sweeping.files import FileSweep, Progress, Wanted
    from engine.sweeping.lookup import Lookup
    from engine.sweeping.reduction import Reduced

NOTHING = "-"
SORTED_IN_DOLLARS = tuple(IN_DOLLARS.values())


def _listed(columns: Sequence[InputColumn | OutputColumn]) -> str:
    """A line for each, in a paragraph that click leaves as it is."""
    return "\b\n" + "\n".join(f"- {each.name}: {each.meaning}" for each in columns)


HELP = f"""Estimate every row of IN, a Parquet, CSV or Arrow file, and write them to OUT.

IN may be - for standard input. In CSV a comma separates, or a semicolon or tab if there is none.

Columns of IN, of which users and duration_s have to be there; of {" and ".join(SIZES)} a row has
one at most:

{_listed(INPUTS)}

OUT has them all, and the columns below. Rows are counted from 0.

{_listed(OUTPUTS)}

A folder of Parquet files becomes a folder of such files, here or by the workers of Dask.

With --grid, every combination of the axes is a what-if: shown are the percentiles of the cost and
the cheapest, by the plan's charge or with --sort machine_usd by what machines cost. OUT, if given,
gets all of them as rows. An axis is called as its column is, or duration and type.
"""


class _Asked(Struct, frozen=True):
    """What the options say."""

    where: tuple[str, ...]
    sort: str | None
    top: int | None
    on_error: str
    plan: str
    grid: tuple[str, ...]
    best: int
    threads: int | None
    workers: int | None
    dask: str | None

    def wanted(self) -> Wanted:
        """Which rows, in which order."""
        from engine.sweeping.files import Wanted
        from engine.sweeping.selection import parse_condition, parse_order

        return Wanted(
            tuple(parse_condition(each) for each in self.where),
            None if self.sort is None else parse_order(self.sort),
            self.top,
        )

    def how(self) -> dict[str, Any]:
        """What ``sweep_file`` and ``sweep_rows`` are told alike."""
        from engine.sweeping.sweep import OnError

        return {
            "on_error": OnError(self.on_error),
            "wanted": self.wanted(),
            "threads": self.threads_or_all(),
        }

    def threads_or_all(self) -> int:
        """As many as there are processors, unless said otherwise."""
        return self.threads or os.cpu_count() or 1


@click.command(cls=Command, help=HELP)
@click.argument("source", metavar="[IN]", required=False)
@click.argument("target", metavar="[OUT]", required=False)
@click.option("--where", multiple=True, metavar="usd<100", help="Only such rows.")
@click.option("--sort", metavar="usd|-usd", help="By a column: the least first, or the most.")
@click.option("--top", type=WholeNumber(min=1, max=100_000), metavar="K", help="The first K.")
@click.option(
    "--on-error",
    type=click.Choice(["refuse", "mark"]),
    default="refuse",
    show_default=True,
    help="What to do with rows that are no load tests.",
)
@click.option(
    "--plan",
    default="on-demand",
    show_default=True,
    metavar="NAME",
    help="The plan or tariff of rows that name none.",
)
@click.option(
    "--grid",
    multiple=True,
    metavar="AXIS=VALUES",
    help="What-ifs in place of IN: users=100:100000:100, duration=5m,1h, region=eu-*, type=...",
)
@click.option(
    "--best",
    type=WholeNumber(min=0, max=10_000),
    default=10,
    show_default=True,
    metavar="K",
    help="The cheapest of a grid.",
)
@click.option("--workers", type=WholeNumber(1, 256), help="For a folder: Dask processes here.")
@click.option("--dask", metavar="ADDRESS", help="For a folder: a Dask scheduler.")
@click.option("--threads", type=WholeNumber(min=1, max=256), help="Default: all processors.")
@pass_settings
def sweep(
    settings: Settings,
    /,
    source: str | None,
    target: str | None,
    **options: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Estimate every row of a file, or every combination of a grid."""
    from engine.catalogs.in_use import catalog_in_use
    from engine.sweeping.lookup import Lookup
    from pricing.plans.on_sale import load_plans

    asked = _Asked(**options)
    today = settings.clock().now().date()
    plans = load_plans(settings.plans_file()).values()
    lookup = Lookup(catalog_in_use(), at=today, plan=asked.plan, plans=plans)
    out = None if target in {None, NOTHING} else Path(str(target))
    check_reads_stay(settings, out)
    if asked.grid:
        named = [Path(each) for each in (source, target) if each not in {None, NOTHING}]
        if len(named) > 1:
            raise BadInputError("sweep: --grid takes the place of IN; give OUT alone", option="IN")
        _sweep_grid(settings, lookup, asked, named[0] if named else None)
    else:
        _sweep_file(settings, lookup, asked, source, out, at=today)


def _sweep_file(
    settings: Settings,
    lookup: Lookup,
    asked: _Asked,
    source: str | None,
    target: Path | None,
    *,
    at: date,
) -> None:
    if source is None:
        raise BadInputError("sweep: give IN, a file of load tests, or --grid", option="IN")
    if target is None and asked.top is None:
        raise BadInputError("sweep: give OUT, or --top K to see the first rows", option="OUT")
    need_pyarrow()
    if Path(source).is_dir():
        _sweep_folder(settings, asked, Path(source), target, at=at)
        return
    from engine.sweeping.files import sweep_file
    from loadmuster.cli.standard_input import table_file

    with table_file(source) as file, _told(settings) as progress:
        done = sweep_file(file, target, lookup, progress=progress, **asked.how())
    _show_file(settings, source, target, done)


def _sweep_grid(settings: Settings, lookup: Lookup, asked: _Asked, target: Path | None) -> None:
    from engine.catalogs.in_use import catalog_in_use
    from engine.sweeping.axes import parse_axes
    from engine.sweeping.grid import grid_of, reasons_of
    from engine.sweeping.reduction import reduce_grid

    axes = parse_axes(asked.grid, catalog_in_use(), plan=asked.plan)
    grid = grid_of(axes)
    if target is not None:
        need_pyarrow()
        from engine.sweeping.files import sweep_rows
        from engine.sweeping.grid_rows import grid_rows

        rows = grid_rows(grid, lookup)
        with _told(settings) as progress:
            done = sweep_rows(
                rows,
                target,
                lookup,
                folder=target.parent,
                progress=progress,
                **asked.how(),
            )
        _show_file(settings, "the grid", target, done, left_out=reasons_of(grid, lookup))
        return
    if asked.where or asked.top:
        raise BadInputError(
            "sweep: --where and --top choose among rows; give OUT with them, or --best K",
            option="where",
        )
    default = "machine_usd" if axes.has_place else "usd"
    measure = asked.sort or default
    if measure not in SORTED_IN_DOLLARS:
        raise BadInputError(
            f"sweep: --sort of a grid is {' or '.join(SORTED_IN_DOLLARS)}", option="sort"
        )
    start = time.perf_counter()
    with _told(settings) as progress:
        reduced = reduce_grid(
            grid,
            lookup,
            measure=f"{measure}_micros",
            best=asked.best,
            threads=asked.threads_or_all(),
            progress=progress,
        )
    _show_grid(settings, reduced, time.perf_counter() - start)


def _show_file(
    settings: Settings,
    source: str,
    target: Path | None,
    done: FileSweep,
    left_out: Sequence[str] = (),
) -> None:
    from loadmuster.cli.sweep_view import show_file, show_reasons
    from loadmuster.documents.sweep import file_document

    def show(console: Console) -> None:
        show_file(console, source, target, done)
        show_reasons(console, left_out)

    settings.emit(file_document(source, target, done, left_out), show)


def _show_grid(settings: Settings, reduced: Reduced, took_s: float) -> None:
    from loadmuster.cli.sweep_view import show_grid
    from loadmuster.documents.sweep import grid_document

    settings.emit(grid_document(reduced), lambda console: show_grid(console, reduced, took_s))


def _sweep_folder(
    settings: Settings, asked: _Asked, source: Path, target: Path | None, *, at: date
) -> None:
    """Partition by partition: in this process, or by workers of Dask."""
    from engine.catalogs.in_use import catalog_in_use
    from engine.sweeping.spread import on_dask, sweep_folder
    from engine.sweeping.sweep import OnError
    from loadmuster.cli.sweep_view import show_folder
    from loadmuster.documents.sweep import folder_document
    from pricing.plans.on_sale import load_plans

    if target is None or asked.where or asked.sort or asked.top:
        raise BadInputError(
            "sweep: a folder becomes the folder OUT, all rows as they come", option="OUT"
        )
    mapped: Any = map
    with ExitStack() as stack:
        if asked.dask or asked.workers:
            _need("distributed", "Dask, which leads workers,", "spread")
            from distributed import Client, LocalCluster

            where = asked.dask or stack.enter_context(
                LocalCluster(n_workers=asked.workers, threads_per_worker=1, dashboard_address=None)
            )
            mapped = on_dask(stack.enter_context(Client(where)))
        done = sweep_folder(
            source,
            target,
            mapped=mapped,
            catalog=catalog_in_use(),
            at=at,
            plan=asked.plan,
            plans=load_plans(settings.plans_file()).values(),
            on_error=OnError(asked.on_error),
            progress=stack.enter_context(_told(settings)),
        )
    settings.emit(
        folder_document(source, target, done),
        lambda console: show_folder(console, source, target, done),
    )


def need_pyarrow() -> None:
    """Refuse what files of columns are needed for where the extra is missing."""
    _need("pyarrow", "pyarrow, which reads files of columns,", "sweep")


def _need(module: str, what: str, extra: str) -> None:
    if not is_installed(module):
        raise BadInputError(f"sweep: {not_installed(what, extra)}", extra=extra)


@contextmanager
def _told(settings: Settings) -> Iterator[Progress | None]:
    """Progress on a terminal's standard error; elsewhere none."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from loadmuster.cli.console import QuietConsole, redraws

    console = QuietConsole(stderr=True)
    if settings.json or not redraws(console):
        yield None
        return
    with Bar(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("sweep", total=None)
        yield lambda rows, total: bar.update(task, completed=rows, total=total)
