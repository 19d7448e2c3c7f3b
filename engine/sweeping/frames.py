"""Frames: Arrow tables, polars and pandas frames, and dicts of numpy arrays, through a sweep.

Anything that offers an Arrow stream (``__arrow_c_stream__``) comes in without being copied; an
Arrow table with the estimates beside its columns comes out. Needs pyarrow, and loads it only here
and in the modules that build on this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from engine.sweeping.columns import (
    BadColumnError,
    Codes,
    Problem,
    Words,
    load_numbers,
)
from engine.sweeping.known_columns import DURATION, NUMBERS, OUTPUTS, PLAN, READ
from engine.sweeping.lookup import Lookup
from engine.sweeping.sweep import OnError, Swept, sweep
from pricing.catalog import Catalog
from pricing.plans.model import Plan

BATCH_ROWS = 262_144
ERROR = "error"
"""The column that says what is wrong with a row that is marked."""

PLACES = ("provider", "region")

ESTIMATED = "estimated_"
"""Before the name of an estimate that stands beside a column of the same name, fixed injectors."""


class Estimated(Struct, frozen=True):
    """Rows with their estimates beside them.

    Attributes:
        rows: The batch.
        problems: Those that are marked.
    """

    rows: pa.RecordBatch
    problems: tuple[Problem, ...]


def sweep_frame(
    frame: Any,  # noqa: ANN401 - any frame
    *,
    catalog: Catalog | None = None,
    at: date | None = None,
    plan: str = PLAN,
    plans: Iterable[Plan] | None = None,
    on_error: OnError = OnError.REFUSE,
    threads: int = 1,
) -> pa.Table:
    """Estimate the rows of a frame.

    Args:
        frame: What offers ``__arrow_c_stream__``, or a mapping of array-likes by name; the columns
            are those of ``sweep``, others are kept.
        catalog: Machine types and prices; None: the bundled catalogue.
        at: The day whose tariffs count; None: the newest.
        plan: The plan or tariff of rows that name none.
        plans: Those that rows may name; None: the bundled ones.
        on_error: What becomes of rows that are no load tests: with ``MARK`` their estimates are
            null, and ``error`` says why.
        threads: That compute side by side.

    Returns:
        An Arrow table: the columns of the frame, then ``injectors``, ``li_minutes``,
        ``usd_micros``, and where rows name a place ``machines`` and ``machine_usd_micros``.

    Raises:
        BadColumnError: The first row that is no load test, or a column that cannot be read.
    """
    lookup = Lookup(catalog, at, plan, plans)
    table = pa.table(dict(frame) if isinstance(frame, Mapping) else frame)
    first_row, batches = 0, []
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        done = estimated(batch, lookup, first_row=first_row, on_error=on_error, threads=threads)
        batches.append(done.rows)
        first_row += batch.num_rows
    if not batches:
        batches = [estimated(_no_rows(table.schema), lookup, on_error=on_error).rows]
    return pa.Table.from_batches(batches)


def estimated(
    batch: pa.RecordBatch,
    lookup: Lookup,
    *,
    first_row: int = 0,
    on_error: OnError = OnError.REFUSE,
    threads: int = 1,
) -> Estimated:
    """Estimate the rows of a batch.

    Args:
        batch: Columns as ``sweep`` takes them; those called like an estimate are replaced.
        lookup: Keeps figures from one batch to the next.
        first_row: The number of the batch's first row, for errors.
        on_error: What becomes of rows that are no load tests.
        threads: That compute side by side.

    Raises:
        BadColumnError: The first row that is no load test, or a column that cannot be read.
    """
    columns = {
        name: _column(batch.column(name), name) for name in batch.schema.names if name in READ
    }
    swept = sweep(columns, lookup=lookup, on_error=OnError.MARK, threads=threads)
    problems = tuple(replace(each, row=each.row + first_row) for each in swept.problems)
    if problems and on_error is OnError.REFUSE:
        raise problems[0].error()
    rows = _beside(_with_numbers(batch), swept, has_place=any(name in columns for name in PLACES))
    if on_error is OnError.MARK:
        texts: list[str | None] = [None] * batch.num_rows
        for each in swept.problems:
            texts[each.row] = f"{each.column}: {each.message}"
        rows = _set(rows, ERROR, pa.array(texts, pa.string()))
    return Estimated(rows, problems)


def _with_numbers(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the numbers of a CSV file as numbers, so that they can be compared."""
    for name in set(NUMBERS) & set(batch.schema.names):
        column = batch.column(name)
        if _is_text(column.type):
            try:
                numbers = pc.cast(column, pa.int64())
            except pa.ArrowInvalid:
                read = load_numbers(name, np.array(column.to_pylist(), object))
                numbers = pa.array(read, pa.int64())
            batch = _set(batch, name, numbers)
    return batch


def _beside(batch: pa.RecordBatch, swept: Swept, *, has_place: bool) -> pa.RecordBatch:
    """The batch with the estimates as its last columns."""
    is_bad = None
    if swept.problems:
        is_bad = np.zeros(batch.num_rows, np.bool_)
        is_bad[[each.row for each in swept.problems]] = True
    none = np.zeros(batch.num_rows, np.int64)
    has_no_machines = none == (none if swept.machines is None else swept.machines)
    rows = batch
    for each in OUTPUTS:
        if each.of_machines and not has_place:
            continue
        is_input = each.name in NUMBERS and each.name in batch.schema.names
        column = getattr(swept, each.name)
        mask = has_no_machines if each.of_machines and has_no_machines.any() else None
        rows = _set(
            rows,
            f"{ESTIMATED}{each.name}" if is_input else each.name,
            pa.array(none if column is None else column, mask=mask if each.of_machines else is_bad),
        )
    return rows


def _set(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    if name in batch.schema.names:
        return batch.set_column(batch.schema.get_field_index(name), name, column)
    return batch.append_column(name, column)


def _column(array: pa.Array, name: str) -> Any:  # noqa: ANN401 - what load_tests takes
    """An Arrow array as ``load_tests`` takes it."""
    if name in NUMBERS:
        return _numbers(array, name)
    if pa.types.is_null(array.type):
        return Words((), np.full(len(array), -1, np.int32))
    if not _is_text(array.type):
        if name == DURATION:
            raise BadColumnError(
                "duration: numbers have no unit; write 90s, 10m or 1h30m, or call the column "
                "duration_s",
                column=name,
            )
        raise BadColumnError(f"{name}: must be a column of words, not {array.type}", column=name)
    if not pa.types.is_dictionary(array.type):
        # A view of a string is what polars has; it has to be a string to be numbered.
        array = array.cast(pa.large_string()).dictionary_encode()
    names = [each or "" for each in array.dictionary.cast(pa.large_string()).to_pylist()]
    codes: Codes = array.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    for blank in [number for number, each in enumerate(names) if not each.strip()]:
        codes = np.where(codes == blank, -1, codes).astype(np.int32)
    return Words(tuple(names), codes)


def _numbers(array: pa.Array, name: str) -> Any:  # noqa: ANN401 - likewise
    if pa.types.is_integer(array.type):
        if not array.null_count:
            return array.to_numpy(zero_copy_only=False)
        mask = array.is_null().to_numpy(zero_copy_only=False)
        return np.ma.masked_array(array.fill_null(1).to_numpy(zero_copy_only=False), mask)
    if pa.types.is_floating(array.type):
        return array.to_numpy(zero_copy_only=False)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if _is_text(array.type):
        try:
            return pc.cast(array, pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            return np.array(array.to_pylist(), object)
    raise BadColumnError(
        f"{name}: must be a column of whole numbers, not {array.type}", column=name
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
