"""Columns: what a sweep reads, and what is wrong with a row.

Numbers come as arrays of whole numbers, words as names with a code for each row. A row that is no
load test is a ``Problem`` with its column; rows are counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from engine.sweeping.known_columns import DURATION, NUMBERS, OPTIONAL_NUMBERS, WORDS
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError

Column = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Whole = TypeVar("Whole", Column, Codes)

NONE = 0
"""In an optional column of numbers: the row has none."""

WHOLE = re.compile(r"(-?[0-9]+)(?:\.0*)?")
DIGITS_MAX = len(str(2**62))


class BadColumnError(BadInputError):
    """A column does not hold what a sweep needs; facts: ``column``, ``row``."""

    code = "bad_column"


class Problem(Struct, frozen=True):
    """Why a row is no load test that can be estimated."""

    row: int
    column: str
    message: str

    def error(self) -> BadColumnError:
        """The refusal of all rows because of this one."""
        return BadColumnError(
            f"{self.column}, row {self.row}: {self.message}", column=self.column, row=self.row
        )


class Words(Struct, frozen=True):
    """A column of names.

    Attributes:
        names: Each name once.
        codes: For each row the place of its name in ``names``, -1 for a row without; or one for
            all rows.
    """

    names: tuple[str, ...]
    codes: Codes


class LoadTests(Struct, frozen=True):
    """Load tests as columns; a column of one entry holds it for all rows.

    Attributes:
        rows: How many.
        numbers: Those of ``NUMBERS`` that are there, not checked yet; ``NONE`` in an optional one
            where the row has none.
        words: Those of ``WORDS`` that are there.
        problems: Rows that could not be read; they hold 1.
    """

    rows: int
    numbers: Mapping[str, Column]
    words: Mapping[str, Words]
    problems: tuple[Problem, ...]

    @property
    def users(self) -> Column:
        """Most users at once."""
        return self.numbers["users"]

    @property
    def duration_s(self) -> Column:
        """Planned lengths."""
        return self.numbers["duration_s"]

    def part(self, rows: slice) -> LoadTests:
        """Some of the rows, as views; without their words and problems."""
        numbers = {name: part(column, rows) for name, column in self.numbers.items()}
        return LoadTests(rows.stop - rows.start, numbers, {}, ())


def part(column: Whole, rows: slice) -> Whole:
    """Some rows of a column, of which one entry may stand for all."""
    return column if len(column) == 1 else column[rows]


def load_tests(columns: Mapping[str, Any]) -> LoadTests:
    """Read columns.

    Args:
        columns: By name: array-likes of one dimension, masked where a row has nothing; columns of
            words may be ``Words``. One entry stands for all rows. Other names are left alone.

    Raises:
        BadColumnError: A column is missing, or not of the length of the others, or there are two
            that say the same.
    """
    _check_names(columns)
    problems: list[Problem] = []
    numbers: dict[str, Column] = {}
    for name in NUMBERS:
        if name in columns:
            numbers[name] = _whole_numbers(name, columns[name], problems)
    if DURATION in columns:
        numbers["duration_s"] = _durations(columns[DURATION], problems)
    words = {name: _words(columns[name]) for name in WORDS if name in columns}
    rows = _common_length(
        {name: len(column) for name, column in numbers.items()}
        | {name: len(column.codes) for name, column in words.items()}
    )
    return LoadTests(
        rows=rows,
        numbers=numbers,
        words=words,
        problems=tuple(problems),
    )


def load_numbers(name: str, values: Any) -> list[int | None]:  # noqa: ANN401 - any array-like
    """The column as it is read; None where it holds no whole number."""
    problems: list[Problem] = []
    read: list[int | None] = [*_whole_numbers(name, values, problems).tolist()]
    for each in problems:
        read[each.row] = None
    return read


def out_of_range(tests: LoadTests) -> Iterator[Problem]:
    """The rows whose numbers no load test has."""
    for name, column in tests.numbers.items():
        least, most = bounds_of(name)
        for row in np.flatnonzero((column < least) | (column > most)).tolist():
            yield Problem(row, name, f"must be from 1 to {most:,}, not {column[row]:,}")


def bounds_of(name: str) -> tuple[int, int]:
    """The least and the largest entry of a column of numbers."""
    return (NONE if name in OPTIONAL_NUMBERS else 1), NUMBERS[name].most


def _check_names(columns: Mapping[str, Any]) -> None:
    if "users" not in columns:
        raise BadColumnError("users: there is no such column", column="users")
    if DURATION in columns and "duration_s" in columns:
        raise BadColumnError(
            "duration: there is duration_s too; give one of the two", column=DURATION
        )
    if DURATION not in columns and "duration_s" not in columns:
        raise BadColumnError(
            "duration_s: there is no such column, nor one called duration", column="duration_s"
        )


def _common_length(lengths: Mapping[str, int]) -> int:
    several = {length for length in lengths.values() if length != 1}
    if len(several) > 1:
        said = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise BadColumnError(f"the columns have different lengths: {said}")
    return several.pop() if several else 1


def _whole_numbers(name: str, values: Any, problems: list[Problem]) -> Column:  # noqa: ANN401 - any array-like
    """The column as int64; what cannot be one is a problem and holds 1."""
    array = np.ma.atleast_1d(values) if np.ma.isMA(values) else np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise BadColumnError(f"{name}: must be a column of whole numbers", column=name)
    if not np.ma.isMA(array) and array.dtype.kind == "i":
        return array.astype(np.int64, copy=False)
    data = np.ma.getdata(array)
    if data.dtype.kind in "iu":
        wrong = (data > np.iinfo(np.int64).max) if data.dtype == np.uint64 else _no_rows(len(data))
        missing = np.ma.getmaskarray(array)
    elif data.dtype.kind == "f":
        missing = np.ma.getmaskarray(array) | np.isnan(data)
        wrong = ~missing & ((np.floor(data) != data) | (np.abs(data) >= 2.0**53))
    else:
        return _from_objects(name, array, problems)
    holds = np.where(wrong | missing, 1, data).astype(np.int64)
    _note_missing(name, missing, holds, problems)
    problems.extend(
        Problem(row, name, f"must be a whole number, not {data[row]}")
        for row in np.flatnonzero(wrong).tolist()
    )
    return holds


def _from_objects(name: str, array: Any, problems: list[Problem]) -> Column:  # noqa: ANN401 - of any kind
    """One by one: whole numbers, and text that is one."""
    holds = np.ones(len(array), np.int64)
    missing = _no_rows(len(array))
    for row, value in enumerate(array.tolist()):
        if value is None or value is np.ma.masked or value in {"", np.nan} or value != value:  # noqa: PLR0124 - NaN alone differs from itself
            missing[row] = True
            continue
        # Whoever has blanks in a column of whole numbers gets it written as 600.0 by pandas.
        written = WHOLE.fullmatch(str(value).strip())
        if written is None:
            problems.append(Problem(row, name, f"must be a whole number, not {_shown(value)}"))
        elif len(written[1]) > DIGITS_MAX:
            most = NUMBERS[name].most
            problems.append(Problem(row, name, f"must be from 1 to {most:,}, not {_shown(value)}"))
        else:
            holds[row] = int(written[1])
    _note_missing(name, missing, holds, problems)
    return holds


def _note_missing(name: str, missing: Mask, holds: Column, problems: list[Problem]) -> None:
    """Rows with nothing in them: a problem, or none where the column is optional."""
    if not missing.any():
        return
    if name in OPTIONAL_NUMBERS:
        holds[missing] = NONE
        return
    problems.extend(
        Problem(row, name, "holds no number") for row in np.flatnonzero(missing).tolist()
    )


def _durations(values: Any, problems: list[Problem]) -> Column:  # noqa: ANN401 - any array-like
    """Seconds of lengths of time; each says its unit, since a bare number may be in any."""
    words = _words(values)
    seconds = np.ones(len(words.names) + 1, np.int64)
    refused: dict[int, str] = {}
    for code, name in enumerate(words.names):
        try:
            if name.strip().replace(".", "").isdecimal():
                refused[code] = f"{_shown(name)} has no unit; write 90s, 10m or 1h30m in each row"
            else:
                seconds[code] = parse_duration_s(name, where=DURATION)
        except BadInputError as error:
            refused[code] = error.message.removeprefix(f"{DURATION}: ")
    for code, message in refused.items():
        problems.extend(
            Problem(row, DURATION, message) for row in np.flatnonzero(words.codes == code).tolist()
        )
    problems.extend(
        Problem(row, DURATION, "holds no length of time")
        for row in np.flatnonzero(words.codes < 0).tolist()
    )
    return seconds[words.codes]


def _words(values: Any) -> Words:  # noqa: ANN401 - any array-like
    """The names and a code for each row."""
    if isinstance(values, Words):
        return values
    if isinstance(values, str):
        return Words((values,), np.zeros(1, np.int32))
    array = np.ma.atleast_1d(values) if np.ma.isMA(values) else np.atleast_1d(np.asarray(values))
    if array.ndim == 1 and array.dtype.kind == "U" and not np.ma.isMA(array):
        found, codes = np.unique(array, return_inverse=True)
        return _without_blanks([str(name) for name in found], codes.astype(np.int32))
    places: dict[str, int] = {}
    numbered = [
        places.setdefault("" if _is_nothing(value) else str(value), len(places))
        for value in array.ravel().tolist()
    ]
    return _without_blanks(list(places), np.array(numbered, np.int32))


def _without_blanks(names: Sequence[str], codes: Codes) -> Words:
    if "" in names:
        codes = np.where(codes == names.index(""), -1, codes).astype(np.int32)
    return Words(tuple(names), codes)


def _is_nothing(value: object) -> bool:
    return value is None or value is np.ma.masked or value != value  # noqa: PLR0124 - NaN alone differs from itself


def _no_rows(rows: int) -> Mask:
    return np.zeros(rows, np.bool_)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."  # noqa: PLR2004 - one readable line
