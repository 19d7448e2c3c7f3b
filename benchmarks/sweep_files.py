"""Parquet to Parquet in constant memory, against Polars that only reads and writes as much.

``LOADMUSTER_SWEEP_ROWS`` says how many rows; each side has a process of its own, and both write
with the same compression.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Figure, shown

ROWS = 100_000_000
ROWS_VARIABLE = "LOADMUSTER_SWEEP_ROWS"
PART_ROWS = 1_000_000
SEED = 20_261_122
ROOT = Path(__file__).resolve().parent.parent

SWEEP = """
from pathlib import Path
from engine.sweeping.files import sweep_file
from engine.sweeping.lookup import Lookup

def work(source, target):
    sweep_file(Path(source), Path(target), Lookup(), threads=2)
"""
POLARS = """
import polars as pl

def work(source, target):
    more = [pl.col("users").alias("a"), pl.col("duration_s").alias("b"), pl.col("users").alias("c")]
    pl.scan_parquet(source).with_columns(more).sink_parquet(target, compression="snappy")
"""
MEASURED = """
import json, sys, time
from benchmarks.measure import peak_kib
small, source, target = sys.argv[1:]
work(small, target)
start = time.perf_counter()
work(source, target)
took_s = time.perf_counter() - start
print(json.dumps([took_s, peak_kib()]))
"""


def figures(rows: int | None = None) -> list[Figure]:
    """Time and peak memory of both."""
    rows = rows or int(os.environ.get(ROWS_VARIABLE, ROWS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "small.parquet", min(rows, PART_ROWS))
        _write(folder / "in.parquet", rows)
        sweep_s, sweep_kib = _measured(SWEEP, folder)
        polars_s, polars_kib = _measured(POLARS, folder)
        found = pq.ParquetFile(folder / "out.parquet").metadata
        assert found.num_rows == rows, "Polars wrote every row"
    rate = rows / sweep_s / 1e6
    return [
        Figure(
            f"sweep of {rows:,} rows, Parquet to Parquet ({rate:.1f} M/s)",
            shown(sweep_s),
            f"Polars reading and writing as many columns, {shown(polars_s)}",
            sweep_s / polars_s,
            "reported",
        ),
        Figure(
            f"peak memory of a sweep of {rows:,} rows, Parquet to Parquet",
            f"{sweep_kib / 1_024:.0f} MiB",
            f"Polars, {polars_kib / 1_024:.0f} MiB",
            sweep_kib / polars_kib,
            "reported",
        ),
    ]


def _write(path: Path, rows: int) -> None:
    chance = np.random.default_rng(SEED)
    schema = pa.schema([("users", pa.int64()), ("duration_s", pa.int64())])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for low in range(0, rows, PART_ROWS):
            count = min(PART_ROWS, rows - low)
            columns = [chance.integers(1, most, count) for most in (400_000, 14_400)]
            writer.write_batch(pa.RecordBatch.from_arrays([*map(pa.array, columns)], schema=schema))


def _measured(work: str, folder: Path) -> tuple[float, int]:
    """Seconds and peak KiB of a process that does it, after doing a small part as a start."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            work + MEASURED,
            *(str(folder / each) for each in ("small.parquet", "in.parquet", "out.parquet")),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    took_s, peak_kib = json.loads(done.stdout)
    return took_s, peak_kib
