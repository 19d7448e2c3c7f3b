"""Selection: which rows of a sweep are wanted, and in what order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from engine.sweeping.known_columns import IN_DOLLARS
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.money import MICROS_PER_USD

OPERATORS = {
    "<=": pc.less_equal,
    ">=": pc.greater_equal,
    "!=": pc.not_equal,
    "<": pc.less,
    ">": pc.greater,
    "=": pc.equal,
}
_CONDITION = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|!=|<|>|==|=)\s*(.+?)\s*")

DOLLARS = {said: name for name, said in IN_DOLLARS.items()}
"""Columns that are asked for in dollars, and hold micro-dollars."""


class BadSelectionError(BadInputError):
    """A condition or an order that cannot be understood; facts: ``option``."""

    code = "bad_selection"


class Condition(Struct, frozen=True):
    """A column compared with a value.

    Attributes:
        column: Its name.
        operator: One of ``OPERATORS``.
        value: A number, or text.
    """

    column: str
    operator: str
    value: float | int | str

    def holds(self, batch: pa.RecordBatch) -> pa.Array:
        """For each row whether it holds; null where the row has nothing."""
        _check_column(self.column, batch.schema.names, "--where")
        column = batch.column(self.column)
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        if is_number == isinstance(self.value, str):
            kind = "numbers" if is_number else "words"
            raise BadSelectionError(
                f"--where: {self.column} holds {kind}, so {self.value!r} cannot be in it",
                option="where",
            )
        return OPERATORS[self.operator](column, self.value)

    def words(self, batch: pa.RecordBatch) -> list[str]:
        """The different words that its column holds."""
        _check_column(self.column, batch.schema.names, "--where")
        found: list[str | None] = pc.unique(batch.column(self.column)).to_pylist()
        return [each for each in found if each is not None]


class SortKey(Struct, frozen=True):
    """By which column, and whether the largest comes first; rows that have nothing come last."""

    column: str
    descends: bool = False

    def sorted(self, batch: pa.RecordBatch, first: int | None = None) -> pa.RecordBatch:
        """The rows in order, those that are alike as they came; only so many, if said."""
        indices = pc.array_sort_indices(
            self._keys(batch), "descending" if self.descends else "ascending"
        )
        return batch.take(indices[:first])

    def last_key(self, batch: pa.RecordBatch) -> int | None:
        """What the last of some rows is sorted by; None: nothing."""
        key: int | None = self._keys(batch)[-1].as_py()
        return key

    def first_key(self, keys: Iterable[int | None]) -> int | None:
        """The one of some keys that comes first."""
        known = [key for key in keys if key is not None]
        return (max if self.descends else min)(known, default=None)

    def count(self, batch: pa.RecordBatch, key: int | None, *, with_alike: bool) -> int:
        """How many rows come before a key, with or without those that have it."""
        keys = self._keys(batch)
        found: int
        if key is None:
            found = batch.num_rows - (0 if with_alike else keys.null_count)
        else:
            before = _BEFORE[self.descends, with_alike](keys, pa.scalar(key, keys.type))
            found = pc.sum(before, min_count=0).as_py()
        return found

    def _keys(self, batch: pa.RecordBatch) -> pa.Array:
        _check_column(self.column, batch.schema.names, "--sort")
        keys = batch.column(self.column)
        if not pa.types.is_integer(keys.type):
            raise BadSelectionError(
                f"--sort: {self.column} holds no whole numbers to sort by", option="sort"
            )
        return keys


_BEFORE = {
    (False, False): pc.less,
    (False, True): pc.less_equal,
    (True, False): pc.greater,
    (True, True): pc.greater_equal,
}
"""By whether the order descends, and whether rows that are alike count."""


def parse_condition(text: str) -> Condition:
    """``usd<100``, ``users>=5000``, ``region=eu-west-1``.

    Raises:
        BadSelectionError: It is no condition.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadSelectionError(
            f"--where: {text!r} is no condition; write it like 'usd<100'", option="where"
        )
    name, operator, value = match.groups()
    return Condition(
        DOLLARS.get(name, "duration_s" if name == "duration" else name),
        operator.replace("==", "="),
        _value(name, value),
    )


def parse_order(text: str) -> SortKey:
    """``usd`` for the least first, ``-usd`` for the most."""
    name = text.removeprefix("-")
    return SortKey(DOLLARS.get(name, name), descends=text.startswith("-"))


def selected(batch: pa.RecordBatch, conditions: Sequence[Condition]) -> pa.RecordBatch:
    """The rows for which all conditions hold."""
    for each in conditions:
        batch = batch.filter(each.holds(batch))
    return batch


def _value(name: str, text: str) -> float | int | str:
    if name == "duration":
        return parse_duration_s(text, where="--where")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if name in DOLLARS:
        number *= MICROS_PER_USD
    return int(number) if number == number.to_integral_value() else float(number)


def _check_column(name: str, names: Sequence[str], option: str) -> None:
    if name not in names:
        said = [*names, *(short for short, column in DOLLARS.items() if column in names)]
        raise BadSelectionError(
            f"{option}: there is no column {name}{meant(name, said)}; there are {', '.join(names)}",
            option=option.removeprefix("--"),
        )
