"""Rows in order, those that are alike as they came, however many parts they were sorted in."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sweeping import sorting
from engine.sweeping.selection import parse_order
from engine.sweeping.sorting import First, Sorter

BIGGEST = 2**63 - 1
KEYS = st.none() | st.integers(0, 3) | st.sampled_from([-BIGGEST - 1, BIGGEST])
BATCHES = st.lists(st.lists(KEYS, max_size=7), min_size=1, max_size=12)


def batches_of(
    keys: list[list[int | None]], kind: pa.DataType | None = None
) -> list[pa.RecordBatch]:
    """Batches of rows with these keys, numbered as they come."""
    batches, came = [], 0
    for each in keys:
        numbers = pa.array(range(came, came + len(each)), pa.int64())
        column = pa.array(each, kind or pa.int64())
        batches.append(pa.RecordBatch.from_arrays([column, numbers], ["users", "came"]))
        came += len(each)
    return batches


def by_python(keys: list[list[int | None]], *, descends: bool) -> list[dict[str, Any]]:
    """The rows in order, as Python has it."""
    rows = pa.Table.from_batches(batches_of(keys)).to_pylist()
    known = [row for row in rows if row["users"] is not None]
    sign = -1 if descends else 1
    known.sort(key=lambda row: sign * row["users"])
    return known + [row for row in rows if row["users"] is None]


@pytest.fixture(autouse=True)
def _small_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "MERGED_ROWS", 2)


@settings(deadline=None)
@given(keys=BATCHES, descends=st.booleans(), part_rows=st.integers(1, 20), most=st.integers(1, 9))
def test_rows_come_in_order_and_those_that_are_alike_as_they_came(
    keys: list[list[int | None]], descends: bool, part_rows: int, most: int
) -> None:
    order = parse_order("-users" if descends else "users")
    written: list[pa.RecordBatch] = []
    first = First(order, most)
    with TemporaryDirectory() as folder:
        sorter = Sorter(order, Path(folder), part_rows)
        for batch in batches_of(keys):
            sorter.add(batch)
            first.add(batch)
        sorter.write_to(written.append)
    expected = by_python(keys, descends=descends)
    rows = pa.Table.from_batches(written).to_pylist()
    assert rows == expected
    best = first.rows()
    assert best is not None
    assert best.to_pylist() == expected[:most]


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int16(), pa.uint64()])
def test_whole_numbers_of_every_width_are_sorted(kind: pa.DataType, tmp_path: Path) -> None:
    keys: list[list[int | None]] = [[3, None, 200], [0, 255], [7, 200]]
    if kind == pa.int16():
        keys[0].append(-32_768)
    if kind == pa.uint64():
        keys[0].append(2**64 - 1)
    sorter = Sorter(parse_order("-users"), tmp_path, part_rows=2)
    for batch in batches_of(keys, kind):
        sorter.add(batch)
    written: list[pa.RecordBatch] = []
    sorter.write_to(written.append)
    known = sorted((key for each in keys for key in each if key is not None), reverse=True)
    assert pa.Table.from_batches(written)["users"].to_pylist() == [*known, None]


def test_rows_that_are_alike_and_lie_in_several_parts_are_merged_piece_by_piece(
    tmp_path: Path,
) -> None:
    keys: list[list[int | None]] = [[itemgetter(i % 2)((1, 2)) for i in range(10)]] * 3
    sorter = Sorter(parse_order("users"), tmp_path, part_rows=10)
    for batch in batches_of(keys):
        sorter.add(batch)
    written: list[pa.RecordBatch] = []
    sorter.write_to(written.append)
    assert max(batch.num_rows for batch in written) <= 2 * len(keys)
    assert pa.Table.from_batches(written).to_pylist() == by_python(keys, descends=False)
