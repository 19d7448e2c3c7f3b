"""Table files: Parquet, CSV and Arrow files read and written in batches, in constant memory.

What is written appears under its name only when it is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from msgspec import Struct

from engine.sweeping.columns import BadColumnError
from engine.sweeping.frames import BATCH_ROWS
from kernel.errors import BadInputError

ROW_GROUP_ROWS = 4 * BATCH_ROWS
CSV_BLOCK_BYTES = 1 << 24
FIRST_LINE_BYTES_MAX = 1 << 16
COMPRESSION = "snappy"
SEPARATORS = (",", ";", "\t")
"""Of CSV files; the first that stands in the line of names separates them."""


class TableFileError(BadInputError):
    """A file of columns cannot be read or written; facts: ``file``."""

    code = "table_file"


class Rows(Struct, frozen=True):
    """The rows of a file.

    Attributes:
        schema: Names and types of the columns.
        batches: In order; read as they are asked for.
        total: How many rows there are; None: known at the end only.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    total: int | None


Write = Callable[[pa.RecordBatch], None]


@contextmanager
def reading(path: Path) -> Iterator[Rows]:
    """Open a file by the ending of its name.

    Args:
        path: ``.parquet``, ``.csv`` with a first line of names, or ``.arrow``. CSV columns come as
            text; a comma separates them, or where the names have none a semicolon or a tab.

    Raises:
        TableFileError: Another ending, no such file, or something else in it.
    """
    reader = _READERS[_kind(path)]
    with ExitStack() as stack:
        try:
            rows = stack.enter_context(reader(path))
        except FileNotFoundError as error:
            raise TableFileError(f"{path}: there is no such file", file=str(path)) from error
        except OSError as error:
            raise TableFileError(
                f"{path}: cannot be read: {error.strerror or error}", file=str(path)
            ) from error
        except pa.ArrowException as error:
            raise _unreadable(path, error) from error
        yield Rows(rows.schema, _checked(rows.batches, path), rows.total)


@contextmanager
def writing(path: Path) -> Iterator[Write]:
    """A function that appends batches, all of the first one's schema, to a new file.

    The file takes the place of an older one when the block ends; if it is left by an error, there
    is nothing.

    Raises:
        TableFileError: An ending as in ``reading`` is missing, or the file cannot be written.
    """
    kind = _kind(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    writer: Any = None

    def write(batch: pa.RecordBatch) -> None:
        nonlocal writer
        with _told_with(path):
            if writer is None:
                writer = _WRITERS[kind](unfinished, batch.schema)
            if kind == ".parquet":
                writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)
            else:
                writer.write_batch(batch)

    try:
        yield write
        if writer is not None:
            with _told_with(path):
                writer.close()
                unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _told_with(path: Path) -> Iterator[None]:
    """A failure to write is told with the name of the file."""
    try:
        yield
    except OSError as error:
        raise TableFileError(
            f"{path}: cannot be written: {error.strerror or error}", file=str(path)
        ) from error


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise TableFileError(
            f"{path}: a file of columns ends in {', '.join(_READERS)}", file=str(path)
        )
    return kind


def _checked(batches: Iterator[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    """The batches; what Arrow cannot read of the file is told with its name."""
    try:
        yield from batches
    except pa.ArrowException as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> TableFileError:
    kind = path.suffix.lower().removeprefix(".")
    return TableFileError(f"{path}: is no {kind} file of columns: {error}", file=str(path))


@contextmanager
def _parquet(path: Path) -> Iterator[Rows]:
    # What is mapped counts as the program's memory, and what is buffered ahead is never let go.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield Rows(
            file.schema_arrow, file.iter_batches(batch_size=BATCH_ROWS), file.metadata.num_rows
        )


@contextmanager
def _csv(path: Path) -> Iterator[Rows]:
    read = pa_csv.ReadOptions(block_size=CSV_BLOCK_BYTES)
    parse = pa_csv.ParseOptions(delimiter=_separator(path))
    with pa_csv.open_csv(path, read_options=read, parse_options=parse) as reader:
        names = reader.schema.names
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadColumnError(f"{path}: the column {min(twice)} is there twice", column=min(twice))
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
    )
    with pa_csv.open_csv(
        path, read_options=read, parse_options=parse, convert_options=convert
    ) as reader:
        yield Rows(reader.schema, iter(reader), None)


def _separator(path: Path) -> str:
    """What separates the names in the first line: a comma, or what spreadsheets write instead."""
    with path.open("rb") as file:
        line = file.readline(FIRST_LINE_BYTES_MAX)
    return next((each for each in SEPARATORS if each.encode() in line), ",")


@contextmanager
def _arrow(path: Path) -> Iterator[Rows]:
    with pa.OSFile(str(path)) as opened, pa.ipc.open_file(opened) as file:
        yield Rows(file.schema, (file.get_batch(i) for i in range(file.num_record_batches)), None)


def _parquet_writer(path: Path, schema: pa.Schema) -> Any:  # noqa: ANN401 - pyarrow has no types
    words = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    return pq.ParquetWriter(path, schema, compression=COMPRESSION, use_dictionary=words)


_READERS = {".parquet": _parquet, ".csv": _csv, ".arrow": _arrow}
_WRITERS: dict[str, Callable[[Path, pa.Schema], Any]] = {
    ".parquet": _parquet_writer,
    ".csv": pa_csv.CSVWriter,
    ".arrow": lambda path, schema: pa.ipc.new_file(str(path), schema),
}
