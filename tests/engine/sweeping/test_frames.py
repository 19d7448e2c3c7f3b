"""Arrow tables, polars and pandas frames and numpy columns in; the same estimates out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from engine.sweeping.columns import BadColumnError
from engine.sweeping.frames import sweep_frame
from engine.sweeping.sweep import OnError, sweep

COLUMNS: dict[str, Any] = {
    "name": ["a", "b", "c", "d"],
    "users": [500, 501, 90_000, 7],
    "duration_s": [60, 600, 3_600, 61],
    "region": ["us-east-1", "westeurope", None, "us-east-1"],
    "protocol": ["http", "browser", "http", "websocket"],
}


def frames() -> dict[str, Any]:
    table = pa.table(COLUMNS)
    return {
        "arrow": table,
        "arrow in chunks": pa.concat_tables([table.slice(0, 1), table.slice(1)]),
        "arrow dictionary": table.set_column(
            3, "region", table["region"].combine_chunks().dictionary_encode()
        ),
        "polars": pl.DataFrame(COLUMNS),
        "polars categories": pl.DataFrame(COLUMNS).with_columns(
            pl.col("region").cast(pl.Categorical)
        ),
        "pandas": pd.DataFrame(COLUMNS),
        "numpy": {name: np.array(values, object) for name, values in COLUMNS.items()}
        | {name: np.array(COLUMNS[name]) for name in ("users", "duration_s")},
        "small numbers": table.set_column(1, "users", table["users"].cast(pa.uint32())),
        "doubles": table.set_column(1, "users", table["users"].cast(pa.float64())),
        "text": table.set_column(1, "users", table["users"].cast(pa.string())),
    }


@pytest.mark.parametrize("kind", frames())
def test_every_kind_of_frame_gives_the_same(kind: str) -> None:
    result = sweep_frame(frames()[kind])
    alone = sweep({name: column for name, column in COLUMNS.items() if name != "name"})
    assert result["name"].to_pylist() == COLUMNS["name"]
    for name in ("injectors", "li_minutes", "usd_micros"):
        assert result[name].to_pylist() == getattr(alone, name).tolist()
    assert alone.machines is not None
    assert alone.machine_usd_micros is not None
    assert alone.machines[2] == 0
    for name in ("machines", "machine_usd_micros"):
        expected = getattr(alone, name).tolist()
        assert result[name].to_pylist() == [*expected[:2], None, expected[3]]


def test_frames_of_many_batches_count_rows_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sweeping.frames.BATCH_ROWS", 100)
    users = np.full(510, 600)
    columns = {"users": users, "duration_s": np.full(len(users), 60)}
    assert sweep_frame(columns).num_rows == 510
    users[403] = 0
    with pytest.raises(BadColumnError, match="users, row 403: ") as refused:
        sweep_frame(columns)
    assert refused.value.facts["row"] == 403


def test_marked_rows_have_no_estimates_and_say_why() -> None:
    frame = pl.DataFrame({"users": [5, None, 7], "duration": ["1m", "1m", "soon"]})
    result = sweep_frame(frame, on_error=OnError.MARK)
    assert result["usd_micros"].to_pylist() == [760_000, None, None]
    assert result["error"].to_pylist() == [
        None,
        "users: holds no number",
        "duration: 'soon' is not a length of time; write it like 90s, 10m or 1h30m",
    ]


def test_fixed_injectors_stand_beside_the_estimated_ones() -> None:
    result = sweep_frame({"users": [600, 600], "injectors": [3, 0], "duration_s": [60, 60]})
    assert result["injectors"].to_pylist() == [3, 0]
    assert result["estimated_injectors"].to_pylist() == [3, 2]


def test_a_frame_without_rows_has_the_columns_of_one_with_rows() -> None:
    table = pa.table(COLUMNS)
    assert sweep_frame(table.slice(0, 0)).schema.names == sweep_frame(table).schema.names


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"users": [True], "duration_s": [60]}, "users: must be a column of whole numbers, not b"),
        ({"users": [5], "duration": [60]}, "duration: numbers have no unit; write 90s"),
        ({"users": [5], "duration_s": [60], "region": [7]}, "region: must be a column of words"),
    ],
)
def test_columns_of_another_kind_are_refused(columns: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadColumnError, match=expected):
        sweep_frame(pa.table(columns))
