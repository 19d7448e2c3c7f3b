"""Files of columns through a sweep: in constant memory, complete or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.sweeping import files
from engine.sweeping.columns import BadColumnError
from engine.sweeping.files import FileSweep, Wanted, sweep_file
from engine.sweeping.frames import sweep_frame
from engine.sweeping.lookup import Lookup
from engine.sweeping.selection import BadSelectionError, parse_condition, parse_order
from engine.sweeping.sorting import First, Sorter
from engine.sweeping.sweep import OnError
from engine.sweeping.table_files import TableFileError, reading

ROWS = 20_000
BATCH_ROWS = 3_000


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sweeping.table_files.BATCH_ROWS", BATCH_ROWS)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(4)
    return pa.table(
        {
            "id": np.arange(ROWS),
            "users": rng.integers(1, 50_000, ROWS),
            "duration_s": rng.integers(1, 9_000, ROWS),
            "region": rng.choice(["us-east-1", "westeurope"], ROWS),
        }
    )


@pytest.fixture
def source(table: pa.Table, tmp_path: Path) -> Path:
    path = tmp_path / "in.parquet"
    pq.write_table(table, path)
    return path


def run(source: Path, target: Path | None, **how: object) -> FileSweep:
    return sweep_file(source, target, Lookup(), **how)  # type: ignore[arg-type]


def read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        return pa_csv.read_csv(path)
    if path.suffix == ".arrow":
        return pa.ipc.open_file(path).read_all()
    return pq.read_table(path)


@pytest.mark.parametrize("kind_in", ["parquet", "csv", "arrow"])
@pytest.mark.parametrize("kind_out", ["parquet", "csv", "arrow"])
def test_a_stream_of_batches_gives_what_memory_gives(
    table: pa.Table, tmp_path: Path, kind_in: str, kind_out: str
) -> None:
    source, target = tmp_path / f"in.{kind_in}", tmp_path / f"out.{kind_out}"
    if kind_in == "csv":
        pa_csv.write_csv(table, source)
    elif kind_in == "arrow":
        with pa.ipc.new_file(source, table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, source)
    told: list[int] = []
    done = run(source, target, progress=lambda rows, _: told.append(rows))
    assert (done.rows, done.written, done.marked) == (ROWS, ROWS, 0)
    assert told[-1] == ROWS
    expected = sweep_frame(table)
    found = read(target).select(expected.schema.names)
    for name in expected.schema.names:
        values = expected[name].to_pylist()
        if name == "id" and kind_in == "csv" and kind_out != "csv":
            values = [*map(str, values)]  # a column that is not read stays as it is written
        assert found[name].to_pylist() == values, name
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([source.name, target.name])


def test_rows_are_chosen_and_sorted(table: pa.Table, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    wanted = Wanted(
        (parse_condition("usd<100"), parse_condition("region=us-east-1")), parse_order("-users")
    )
    done = run(source, target, wanted=wanted)
    everything = sweep_frame(table).to_pylist()
    expected = sorted(
        (
            row
            for row in everything
            if row["usd_micros"] < 100_000_000 and row["region"] == "us-east-1"
        ),
        key=lambda row: -row["users"],
    )
    assert read(target).to_pylist() == expected
    assert done.written == len(expected) > 100
    first = run(source, None, wanted=Wanted(wanted.conditions, wanted.order, top=7))
    assert first.best is not None
    assert first.best.to_pylist() == expected[:7]
    unordered = run(source, target, wanted=Wanted(wanted.conditions, top=7))
    assert unordered.written == read(target).num_rows == 7


def test_more_rows_than_fit_are_sorted_in_parts(table: pa.Table, tmp_path: Path) -> None:
    order = parse_order("users")
    sorter = Sorter(order, tmp_path, part_rows=4_000)
    first = First(order, 10)
    for batch in table.to_batches(max_chunksize=1_000):
        sorter.add(batch)
        first.add(batch)
    assert len(list(tmp_path.iterdir())) == 1
    written: list[pa.RecordBatch] = []
    sorter.write_to(written.append)
    assert len(written) > 1
    expected = sorted(table.to_pylist(), key=lambda row: row["users"])
    assert pa.Table.from_batches(written)["users"].to_pylist() == [row["users"] for row in expected]
    best = first.rows()
    assert best is not None
    assert best.to_pylist() == expected[:10]
    assert list(tmp_path.iterdir()) == []


def test_a_bad_row_deep_in_a_file_is_refused_by_its_number_and_leaves_nothing(
    table: pa.Table, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    regions = table["region"].to_pylist()
    regions[17_003] = "us-esat-1"
    pa_csv.write_csv(table.set_column(3, "region", pa.array(regions)), source)
    target.write_text("older")
    with pytest.raises(BadColumnError, match=r"in\.csv: region, row 17003: no region 'us-esat-1'"):
        run(source, target)
    assert target.read_text() == "older"
    assert len(list(tmp_path.iterdir())) == 2
    done = run(source, target, on_error=OnError.MARK)
    assert (done.rows, done.marked, done.written) == (ROWS, 1, ROWS)
    errors = read(target)["error"].to_pylist()
    assert [row for row, error in enumerate(errors) if error] == [17_003]


def test_a_failed_write_is_told_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "out.parquet"
    monkeypatch.setattr(pq.ParquetWriter, "write_batch", full)
    with pytest.raises(TableFileError, match=r"out\.parquet: cannot be written: No space left"):
        run(source, target)
    assert list(tmp_path.iterdir()) == [source]


def test_files_that_are_none_are_refused_by_name(source: Path, tmp_path: Path) -> None:
    for name, text, expected in (
        ("in.csv", "", "in.csv: is no csv file of columns"),
        ("in.csv", "users,users\n1,2\n", "the column users is there twice"),
        ("in.csv", "users,duration_s\n1,60\n2\n", "in.csv: is no csv file of columns"),
        ("in2.parquet", "PAR1", "in2.parquet: is no parquet file of columns"),
        ("in.txt", "", "in.txt: a file of columns ends in .parquet, .csv, .arrow"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises((TableFileError, BadColumnError), match=expected):
            run(tmp_path / name, tmp_path / "out.parquet")
    with pytest.raises(TableFileError, match="there is no such file"):
        run(tmp_path / "none.parquet", tmp_path / "out.parquet")
    with pytest.raises(TableFileError, match="cannot be written: "):
        run(source, tmp_path / "no-folder" / "out.parquet")


@pytest.mark.parametrize(
    ("where", "sort", "expected"),
    [
        ("usd", None, "'usd' is no condition; write it like 'usd<100'"),
        ("cost<5", None, "there is no column cost; there are id, users"),
        ("usd<cheap", None, "usd_micros holds numbers, so 'cheap' cannot be in it"),
        ("region=7", None, "region holds words, so 7 cannot be in it"),
        ("usd<5", "price", "--sort: there is no column price"),
        ("usd<5", "region", "--sort: region holds no whole numbers to sort by"),
    ],
)
def test_conditions_and_orders_that_make_no_sense_are_refused(
    source: Path, where: str, sort: str | None, expected: str
) -> None:
    with pytest.raises(BadSelectionError, match=expected):
        run(
            source,
            source.with_name("out.csv"),
            wanted=Wanted((parse_condition(where),), parse_order(sort) if sort else None),
        )


def test_an_empty_file_becomes_one_with_the_columns(table: pa.Table, tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table.slice(0, 0), source)
    assert run(source, target).rows == 0
    assert read(target).schema.names == sweep_frame(table).schema.names


@pytest.mark.long
def test_an_unknown_region_in_row_seven_million_and_three_is_named(tmp_path: Path) -> None:
    rows, bad = 7_100_000, 7_000_003
    codes = np.zeros(rows, np.int32)
    codes[bad] = 1
    regions = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(["us-east-1", "atlantis"]))
    table = pa.table({"users": np.full(rows, 9), "duration_s": np.full(rows, 60)})
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table.append_column("region", regions), source)
    with pytest.raises(BadColumnError, match=r"region, row 7000003: no region 'atlantis'"):
        run(source, target)
    assert not target.exists()
    done = run(source, target, on_error=OnError.MARK)
    assert (done.rows, done.marked) == (rows, 1)
    assert done.problems[0].row == bad


def test_what_was_read_of_a_file_is_let_go(tmp_path: Path) -> None:
    rows = 2_000_000
    table = pa.table({name: np.arange(rows) for name in ("users", "duration_s")})
    path = tmp_path / "in.parquet"
    pq.write_table(table, path, row_group_size=100_000, use_dictionary=False)
    size = table.nbytes
    del table
    before = pa.total_allocated_bytes()
    most = 0
    with reading(path) as content:
        for batch in content.batches:
            assert batch.num_rows
            most = max(most, pa.total_allocated_bytes() - before)
    assert most < size / 4


PEAK = """
import sys
from pathlib import Path
from engine.sweeping.files import sweep_file
from engine.sweeping.lookup import Lookup
from benchmarks.measure import peak_kib
done = sweep_file(Path(sys.argv[1]), Path(sys.argv[2]), Lookup())
print(done.rows, peak_kib())
"""


def peak_mib(rows: int, folder: Path) -> int:
    """Peak memory of a process that sweeps a file of so many rows."""
    source = folder / f"{rows}.parquet"
    rng = np.random.default_rng(5)
    schema = pa.schema([("users", pa.int64()), ("duration_s", pa.int64())])
    with pq.ParquetWriter(source, schema, use_dictionary=False) as writer:
        for low in range(0, rows, 1_000_000):
            count = min(1_000_000, rows - low)
            columns = [rng.integers(1, 90_000, count), rng.integers(1, 9_000, count)]
            writer.write_batch(
                pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=schema)
            )
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(source), str(folder / "out.parquet")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(files.__file__).parents[2],
    )
    counted, kib = map(int, done.stdout.split())
    assert counted == rows
    return kib // 1_024


@pytest.mark.early
@pytest.mark.parametrize("many_rows", [3_000_000, pytest.param(50_000_000, marks=pytest.mark.long)])
def test_many_more_rows_take_no_more_memory(tmp_path: Path, many_rows: int) -> None:
    few, many = peak_mib(1_000_000, tmp_path), peak_mib(many_rows, tmp_path)
    # All columns of two million rows take 76 MiB.
    assert many < few + 60, (few, many)
