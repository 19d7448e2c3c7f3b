"""Grid rows: the what-ifs of a grid as batches of rows, to be written with their estimates."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from engine.sweeping.columns import LoadTests, Problem
from engine.sweeping.grid import Block, Grid
from engine.sweeping.known_columns import NUMBERS
from engine.sweeping.lookup import Lookup
from engine.sweeping.table_files import Rows


def grid_rows(grid: Grid, lookup: Lookup) -> Rows:
    """The what-ifs in their order; those whose words do not go together are left out."""
    good = Grid(
        grid.axes,
        tuple(each for each in grid.situations if not isinstance(lookup.figures(each), Problem)),
    )
    names = list(grid.columns([grid.at(0)]))
    schema = pa.schema([(name, pa.int64() if name in NUMBERS else pa.string()) for name in names])
    return Rows(schema, _batches(good, schema), good.what_ifs)


def _batches(grid: Grid, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for block in grid.blocks():
        tests = block.load_tests()
        yield pa.RecordBatch.from_arrays(
            [_column(block, tests, name) for name in schema.names], schema=schema
        )


def _column(block: Block, tests: LoadTests, name: str) -> pa.Array:
    if name in NUMBERS:
        column = tests.numbers[name]
        return pa.array(column if len(column) > 1 or block.rows == 1 else column.repeat(block.rows))
    word = getattr(block.situation, name)
    return pa.repeat(pa.scalar(word or None, pa.string()), block.rows)
