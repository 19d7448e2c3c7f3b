"""Cost lines: what a sweep's result says of cost against users, and which choice is cheapest where.

Rows that agree in everything but users make a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from msgspec import Struct

from engine.sweeping.known_columns import DURATION, ESTIMATES, NUMBERS, READ, WORDS
from engine.sweeping.selection import Condition, selected
from engine.sweeping.table_files import Rows
from kernel.durations import format_duration
from kernel.errors import BadInputError
from kernel.near_names import meant
from kernel.words import counted

SAID_FIRST = ("plan", "provider", "region", "instance_type", "protocol", "duration_s", DURATION)
KEYS = tuple(
    dict.fromkeys(
        name for name in (*SAID_FIRST, *WORDS, *READ) if name not in {"users", *ESTIMATES}
    )
)
"""Columns in which the rows of a line agree, as far as they are there, in the order of its name."""

LINES_MAX = 8
WORDS_MAX = 500
POINTS_MAX = 200_000

Key = tuple[str | int | None, ...]


class NoLinesError(BadInputError):
    """Rows do not make lines that can be drawn; facts: ``lines``."""

    code = "no_lines"


class CostLine(Struct, frozen=True):
    """What one choice costs.

    Attributes:
        name: In what it differs from the others.
        points: Users, and micro-dollars; users rising. Where rows are alike, the least.
    """

    name: str
    points: tuple[tuple[int, int], ...]


class BreakEven(Struct, frozen=True):
    """From so many users on, another choice is the cheapest."""

    users: int
    usd_micros: int
    name: str
    instead_of: str


class CostLines(Struct, frozen=True):
    """Lines over the same users.

    Attributes:
        common: What all of them have in common.
        lines: At most ``LINES_MAX``.
        break_even: Where the cheapest changes, users rising.
    """

    common: str
    lines: tuple[CostLine, ...]
    break_even: tuple[BreakEven, ...]


def cost_lines(rows: Rows, measure: str, conditions: Sequence[Condition] = ()) -> CostLines:
    """The lines of a sweep's result.

    Args:
        rows: Of the result.
        measure: ``usd_micros`` or ``machine_usd_micros``.
        conditions: Rows for which they do not hold are left out.

    Raises:
        NoLinesError: No row has the measure, or there are too many lines or points.
    """
    for name in ("users", measure):
        if name not in rows.schema.names:
            raise NoLinesError(f"there is no column {name}; draw what a sweep has written", lines=0)
    keys = [name for name in KEYS if name in rows.schema.names]
    found: dict[Key, dict[int, int]] = {}
    words: dict[str, set[str]] = {}
    for batch in rows.batches:
        _note_words(batch, conditions, words)
        _add(selected(_with_numbers(batch), conditions), keys, measure, found)
        if sum(map(len, found.values())) > POINTS_MAX:
            raise NoLinesError(
                f"there are more than {POINTS_MAX:,} points; leave some out with --where",
                lines=len(found),
            )
    if not found:
        raise NoLinesError(_why_none(measure, conditions, words), lines=0)
    if len(found) > LINES_MAX:
        raise NoLinesError(
            f"the rows make {counted(len(found), 'line')}, by {', '.join(_varying(found, keys))}; "
            f"at most {LINES_MAX} can be told apart: choose with --where",
            lines=len(found),
        )
    varying = _varying(found, keys)
    lines = tuple(
        CostLine(_said(key, keys, varying) or "all", tuple(sorted(points.items())))
        for key, points in found.items()
    )
    common = _said(next(iter(found)), keys, [name for name in keys if name not in varying])
    return CostLines(common, lines, tuple(_break_even(lines)))


def _note_words(
    batch: pa.RecordBatch, conditions: Sequence[Condition], words: dict[str, set[str]]
) -> None:
    """Which words there are in the columns that conditions name, of a few hundred at most."""
    for each in conditions:
        known = words.setdefault(each.column, set())
        if isinstance(each.value, str) and len(known) < WORDS_MAX:
            known.update(map(str, each.words(batch)[: WORDS_MAX - len(known)]))


def _why_none(measure: str, conditions: Sequence[Condition], words: Mapping[str, set[str]]) -> str:
    """Why nothing is left to draw: a word that no row has, or rows without the measure."""
    for each in conditions:
        known = sorted(words[each.column])
        if each.operator == "=" and isinstance(each.value, str) and each.value not in known:
            return f"--where: no row has {each.column} {each.value!r}{meant(each.value, known)}"
    left = " that --where leaves" if conditions else ""
    return f"no row{left} has {measure}"


def _with_numbers(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch of a CSV file with its numbers as numbers."""
    for name in {*NUMBERS, *ESTIMATES} & set(batch.schema.names):
        place = batch.schema.get_field_index(name)
        if not pa.types.is_integer(batch.column(place).type):
            try:
                numbers = batch.column(place).cast(pa.int64())
            except pa.ArrowInvalid as error:
                raise NoLinesError(f"{name} holds no whole numbers: {error}", lines=0) from error
            batch = batch.set_column(place, name, numbers)
    return batch


def _add(
    batch: pa.RecordBatch, keys: Sequence[str], measure: str, found: dict[Key, dict[int, int]]
) -> None:
    """The least of each line for each number of users, with what was found before."""
    names = [*keys, "users"]
    least = pa.Table.from_batches([batch]).group_by(names).aggregate([(measure, "min")]).to_pydict()
    keyed = zip(*(least[name] for name in names), least[f"{measure}_min"], strict=True)
    for *key, users, usd_micros in keyed:
        if usd_micros is not None and users is not None:
            points = found.setdefault(tuple(key), {})
            points[int(users)] = min(int(usd_micros), points.get(int(users), int(usd_micros)))


def _varying(found: Mapping[Key, object], keys: Sequence[str]) -> list[str]:
    return [name for i, name in enumerate(keys) if len({key[i] for key in found}) > 1]


def _said(key: Key, keys: Sequence[str], names: Sequence[str]) -> str:
    words = []
    for name, value in zip(keys, key, strict=True):
        if name in names and value is not None:
            words.append(format_duration(int(value)) if name == "duration_s" else str(value))
    return " ".join(words)


def _break_even(lines: Sequence[CostLine]) -> Iterator[BreakEven]:
    """Where another line than before is strictly the cheapest; only where all have a point."""
    points = [dict(line.points) for line in lines]
    before: int | None = None
    for users in sorted(set.intersection(*(set(each) for each in points))):
        costs = [each[users] for each in points]
        least = min(costs)
        if before is None:
            before = costs.index(least)
        elif least < costs[before]:
            now = costs.index(least)
            yield BreakEven(users, least, lines[now].name, lines[before].name)
            before = now
