"""Partitions swept on a cluster are those swept in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from engine.sweeping.columns import BadColumnError
from engine.sweeping.frames import sweep_frame
from engine.sweeping.spread import Part, PartSwept, on_dask, sweep_folder
from engine.sweeping.sweep import OnError
from engine.sweeping.table_files import TableFileError
from kernel.errors import BadInputError

PARTITIONS = 4
ROWS = 1_500


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two worker processes on this machine."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(8)
    for number in range(PARTITIONS):
        table = pa.table(
            {
                "users": rng.integers(1, 9_000, ROWS),
                "duration_s": rng.integers(1, 9_000, ROWS),
                "region": rng.choice(["us-east-1", "westeurope"], ROWS),
            }
        )
        pq.write_table(table, folder / f"part-{number}.parquet")
    return folder


def test_a_cluster_gives_what_one_process_gives(client: Client, source: Path) -> None:
    here, there = source.with_name("here"), source.with_name("there")
    told: list[tuple[int, int]] = []
    one = sweep_folder(source, here, progress=lambda *done: told.append(done))
    many = sweep_folder(source, there, mapped=on_dask(client))
    assert one == many
    assert told == [(number, PARTITIONS) for number in range(1, PARTITIONS + 1)]
    assert sum(each.rows for each in many) == PARTITIONS * ROWS
    for number in range(PARTITIONS):
        name = f"part-{number}.parquet"
        expected = sweep_frame(pq.read_table(source / name))
        assert pq.read_table(here / name) == pq.read_table(there / name) == expected
    assert sorted(each.name for each in source.parent.iterdir()) == ["here", "in", "there"]


def test_both_workers_take_part(client: Client, source: Path) -> None:
    processes: set[int] = set()

    def watched(
        function: Callable[[Part], PartSwept], parts: Sequence[Part]
    ) -> Iterator[PartSwept]:
        processes.update(client.run(os.getpid).values())
        yield from on_dask(client)(function, parts)

    sweep_folder(source, source.with_name("out"), mapped=watched)
    assert len(processes) == 2
    assert os.getpid() not in processes


def spoil(source: Path) -> None:
    path = source / "part-2.parquet"
    table = pq.read_table(path)
    users = table["users"].to_numpy().copy()
    users[77] = 0
    pq.write_table(table.set_column(0, "users", pa.array(users)), path)


def test_a_bad_row_of_one_partition_refuses_all_and_leaves_nothing(
    client: Client, source: Path
) -> None:
    spoil(source)
    with pytest.raises(BadColumnError, match=r"part-2\.parquet: users, row 77: must be from 1"):
        sweep_folder(source, source.with_name("out"), mapped=on_dask(client))
    assert [each.name for each in source.parent.iterdir()] == ["in"]
    done = sweep_folder(
        source, source.with_name("out"), mapped=on_dask(client), on_error=OnError.MARK
    )
    assert [each.marked for each in done] == [0, 0, 1, 0]
    (problem,) = done[2].problems
    assert (done[2].name, problem.row, problem.column) == ("part-2.parquet", 77, "users")


def test_folders_that_do_not_do_are_refused(source: Path) -> None:
    there = source.with_name("there")
    there.mkdir()
    with pytest.raises(TableFileError, match=r"there are no \*\.parquet files"):
        sweep_folder(there, source.with_name("out"))
    with pytest.raises(TableFileError, match="there is such a folder already"):
        sweep_folder(source, there)
    with pytest.raises(BadInputError, match="OUT is IN"):
        sweep_folder(source, source)
