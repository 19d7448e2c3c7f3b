"""Rows of a sweep chosen, sorted or cut to the first few: by Arrow, as it is done, or by DuckDB.

    python -m benchmarks.sweep_selection --rows 20000000 --rounds 5

Both sides read and write the same files by the same code, in processes of their own, in turn. Rows
that are alike must stay as they came, which DuckDB does by the row's number. What decides is in
``docs/decisions/sweep-selection.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb as duck
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import peak_kib
from engine.sweeping.files import Wanted, _Output
from engine.sweeping.selection import parse_condition, parse_order
from engine.sweeping.table_files import Rows, Write, reading, writing

ROOT = Path(__file__).resolve().parent.parent
PART_ROWS = 1_000_000
SEED = 20_261_130
THREADS = 2
DUCKDB_MEMORY = "512MB"
BATCH_ROWS = 262_144
COLUMNS = {
    "users": 400_000,
    "duration_s": 14_400,
    "injectors": 800,
    "li_minutes": 190_000,
    "usd_micros": 200_000_000,
}
REGIONS = ("us-east-1", "eu-west-1", "westeurope")
JOBS = {
    "where": Wanted((parse_condition("usd<100"), parse_condition("region=eu-west-1"))),
    "sort": Wanted(order=parse_order("-usd")),
    "where and sort": Wanted((parse_condition("usd<100"),), parse_order("users")),
    "top 100": Wanted(order=parse_order("usd"), top=100),
}

Side = Callable[[Rows, Write, Wanted, Path], None]


def ours(content: Rows, write: Write, wanted: Wanted, folder: Path) -> None:
    """As a sweep does it."""
    output = _Output(write, wanted, folder)
    try:
        for batch in content.batches:
            output.add(batch)
        output.finish()
    finally:
        output.close()


def duckdb(content: Rows, write: Write, wanted: Wanted, folder: Path) -> None:
    """One query over the stream of batches, which spills into the folder."""

    def numbered() -> Iterator[pa.RecordBatch]:
        low = 0
        for batch in content.batches:
            yield batch.append_column("row", pa.array(np.arange(low, low + batch.num_rows)))
            low += batch.num_rows

    schema = content.schema.append(pa.field("row", pa.int64()))
    rows = pa.RecordBatchReader.from_batches(schema, numbered())
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": THREADS,
        "memory_limit": DUCKDB_MEMORY,
        "temp_directory": str(folder),
    }
    with duck.connect(config=config) as connection:
        connection.register("rows", rows)
        text, values = query(wanted)
        found: Any = connection.execute(text, values).to_arrow_reader(BATCH_ROWS)
        for batch in found:
            write(batch)


def query(wanted: Wanted) -> tuple[str, list[object]]:
    """The wish in SQL; names were checked against the schema, values are parameters."""
    text = "SELECT * EXCLUDE (row) FROM rows"
    if wanted.conditions:
        conditions = (f'"{each.column}" {each.operator} ?' for each in wanted.conditions)
        text += f" WHERE {' AND '.join(conditions)}"
    if wanted.order is not None:
        direction = "DESC" if wanted.order.descends else "ASC"
        text += f' ORDER BY "{wanted.order.column}" {direction} NULLS LAST, row'
    if wanted.top is not None:
        text += f" LIMIT {wanted.top}"
    return text, [each.value for each in wanted.conditions]


SIDES: dict[str, Side] = {"ours": ours, "duckdb": duckdb}


def main() -> int:
    """Measure both sides in turn, and print what each takes of what ours takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=4, metavar=("SIDE", "JOB", "SOURCE", "TARGET"))
    options = parser.parse_args()
    if options.one:
        side, job, source, target = options.one
        print(json.dumps(_measured(SIDES[side], JOBS[job], Path(source), Path(target))))
        return 0
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "in.parquet"
        _write(source, options.rows)
        for job in JOBS:
            _compare(job, source, options.rounds)
    return 0


def _compare(job: str, source: Path, rounds: int) -> None:
    ratios: dict[str, list[list[float]]] = {side: [] for side in SIDES if side != "ours"}
    peaks: dict[str, float] = dict.fromkeys(SIDES, 0.0)
    for _ in range(rounds):
        took: dict[str, list[float]] = {}
        for side in SIDES:
            target = source.with_name(f"{side}.parquet")
            command = (sys.executable, "-m", "benchmarks.sweep_selection", "--one", side, job)
            done = subprocess.run(
                [*command, str(source), str(target)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            *took[side], peak = json.loads(done.stdout)
            peaks[side] = max(peaks[side], peak / 1024)
        for side, found in ratios.items():
            found.append([mine / own for mine, own in zip(took[side], took["ours"], strict=True)])
    expected = pq.read_table(source.with_name("ours.parquet"))
    rows = f"{pq.ParquetFile(source).metadata.num_rows:,} rows, {job}"
    for side, found in ratios.items():
        same = pq.read_table(source.with_name(f"{side}.parquet")).equals(expected)
        wall, processor = ([each[which] for each in found] for which in (0, 1))
        print(
            f"{rows}: {side} takes {_spread(wall)} of our time, {_spread(processor)} of our "
            f"processor time; {peaks[side]:.0f} MiB against {peaks['ours']:.0f}; "
            f"{'the same rows' if same else 'OTHER ROWS'}",
            flush=True,
        )


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _measured(side: Side, wanted: Wanted, source: Path, target: Path) -> tuple[float, float, int]:
    """Seconds, processor seconds, and peak KiB."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        start, start_cpu = perf_counter(), process_time()
        with reading(source) as content, writing(target) as write:
            side(content, write, wanted, Path(folder))
        return perf_counter() - start, process_time() - start_cpu, peak_kib()


def _write(path: Path, rows: int) -> None:
    chance = np.random.default_rng(SEED)
    schema = pa.schema([*((name, pa.int64()) for name in COLUMNS), ("region", pa.string())])
    with pq.ParquetWriter(path, schema, use_dictionary=["region"]) as writer:
        for low in range(0, rows, PART_ROWS):
            count = min(PART_ROWS, rows - low)
            columns = [pa.array(chance.integers(1, most, count)) for most in COLUMNS.values()]
            columns.append(pa.array(np.array(REGIONS)[chance.integers(0, len(REGIONS), count)]))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


if __name__ == "__main__":
    sys.exit(main())
