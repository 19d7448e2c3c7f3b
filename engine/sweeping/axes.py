"""Axes: what a grid of what-ifs varies, as people write it."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.planning.places import ANY_REGION, names_matching
from engine.sweeping.known_columns import INPUTS, NUMBERS, PLAN, SIZES, WORDS, InputColumn, Kind
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError
from kernel.near_names import meant
from kernel.words import counted
from pricing.catalog import Catalog

ENTRIES_MAX = 1_000_000
"""Of an axis that is listed, not counted up."""

COUNTED_PARTS = (2, 3)
"""``from:to`` and ``from:to:step``."""

STEPS = {Kind.COUNT: 1, Kind.SECONDS: 60}
"""Between two numbers, where a range does not say."""

BY_AXIS = {each.axis: each for each in INPUTS} | {each.name: each for each in INPUTS}


class BadAxisError(BadInputError):
    """An axis of a grid that cannot be read; facts: ``axis``."""

    code = "bad_axis"


class Axes(Struct, frozen=True):
    """What a grid varies; every combination is a what-if.

    Attributes:
        numbers: Of columns of numbers, by name in the order of ``NUMBERS``; of users and lengths
            at least.
        words: Of columns of names, likewise. Where there is no axis, every what-if has the
            column's default.
    """

    numbers: Mapping[str, Sequence[int]]
    words: Mapping[str, Sequence[str]]

    @property
    def users(self) -> Sequence[int]:
        """Most users at once."""
        return self.numbers["users"]

    @property
    def duration_s(self) -> Sequence[int]:
        """Planned lengths."""
        return self.numbers["duration_s"]

    @property
    def has_place(self) -> bool:
        """Whether machines are looked for."""
        return bool({"provider", "region"} & self.words.keys())


def parse_axes(texts: Sequence[str], catalog: Catalog, plan: str = PLAN) -> Axes:
    """Read ``users=100:100000:100``, ``duration=5m,10m,1h``, ``region=eu-*``, ``type=c7i.large``.

    Args:
        texts: One for each axis: whole numbers and lengths of time as a list, or ``from:to:step``
            with both ends in it; names as a list. A region may be a pattern, or ``any``.
        catalog: Knows the regions.
        plan: Bills the run where there is no axis of plans.

    Raises:
        BadAxisError: An axis cannot be read, is there twice, or is missing.
    """
    found: dict[str, str] = {}
    for text in texts:
        written, equals, values = text.partition("=")
        column = BY_AXIS.get(written.strip())
        if column is None or not equals or not values.strip():
            *others, last = (each.axis for each in INPUTS)
            raise BadAxisError(
                f"--grid: {text!r} is no axis{meant(written, [*others, last])};"
                " write it like users=100:100000:100, with one of "
                f"{', '.join(others)} and {last}",
                axis=written,
            )
        if column.name in found:
            raise BadAxisError(f"--grid: {written} is there twice", axis=written)
        found[column.name] = values
    _check_together(found)
    words: dict[str, Sequence[str]] = {"plan": [plan]}
    for name in (each for each in WORDS if each in found):
        names = _names(found[name])
        words[name] = _regions(names, catalog) if name == "region" else _known(WORDS[name], names)
    numbers = {
        name: _numbers(column, found[name]) for name, column in NUMBERS.items() if name in found
    }
    return Axes(numbers, words)


def _check_together(found: Mapping[str, str]) -> None:
    """What every grid needs, and what excludes each other."""
    for column in INPUTS:
        if column.is_required and column.name not in found:
            said = column.axis
            raise BadAxisError(f"--grid: give an axis {said}, such as {said}=...", axis=said)
    sizes = [name for name in SIZES if name in found]
    if len(sizes) > 1:
        raise BadAxisError(f"--grid: give either {' or '.join(sizes)}", axis=sizes[-1])


def _numbers(column: InputColumn, text: str) -> Sequence[int]:
    """A list, or a range with both its ends."""
    parts = text.split(":")
    if len(parts) in COUNTED_PARTS:
        low, high, *step = (_number(column, each) for each in parts)
        return _counted(column, low, high, step[0] if step else STEPS[column.kind])
    return _listed(column, [_number(column, each) for each in text.split(",")])


def _counted(column: InputColumn, low: int, high: int, step: int) -> range:
    name = column.axis
    if step < 1 or high < low:
        raise BadAxisError(
            f"--grid: {name} goes up from the first to the second in steps of the third", axis=name
        )
    _check(column, [low, high])
    return range(low, high + 1, step)


def _listed(column: InputColumn, numbers: Sequence[int]) -> Sequence[int]:
    _check(column, numbers)
    if len(numbers) > ENTRIES_MAX:
        name = column.axis
        raise BadAxisError(f"--grid: {name} lists more than {ENTRIES_MAX:,} numbers", axis=name)
    return numbers


def _check(column: InputColumn, numbers: Sequence[int]) -> None:
    name = column.axis
    for each in numbers:
        if not 1 <= each <= column.most:
            raise BadAxisError(
                f"--grid: {name} must be from 1 to {column.most:,}, not {each:,}", axis=name
            )


def _number(column: InputColumn, text: str) -> int:
    name = column.axis
    if column.kind is Kind.SECONDS:
        return parse_duration_s(text, where=f"--grid {name}")
    digits = text.strip().replace("_", "")
    if not (digits.isascii() and digits.isdecimal()):
        raise BadAxisError(f"--grid: {name}: {text[:40]!r} is no whole number", axis=name)
    if len(digits) > len(str(column.most)):
        raise BadAxisError(
            f"--grid: {name} must be from 1 to {column.most:,}, "
            f"not of {counted(len(digits), 'digit')}",
            axis=name,
        )
    return int(digits)


def _names(text: str) -> Sequence[str]:
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _known(column: InputColumn, names: Sequence[str]) -> Sequence[str]:
    """The names; one that there is not is refused, where the choices are known."""
    for each in names:
        if column.choices and each not in column.choices:
            raise BadAxisError(
                f"--grid: {column.axis} {each!r} is unknown{meant(each, column.choices)};"
                " there are " + ", ".join(column.choices),
                axis=column.axis,
            )
    return names


def _regions(names: Sequence[str], catalog: Catalog) -> Sequence[str]:
    every = [region for provider in CLOUDS for region in catalog.regions(provider)]
    found: dict[str, None] = {}
    for each in names:
        # As any cloud names its own; only what none names so is taken for another's.
        matching = fnmatch.filter(every, "*" if each == ANY_REGION else each) or [
            name
            for provider in CLOUDS
            for name in names_matching(each, provider, catalog.regions(provider))
        ]
        if not matching:
            catalog.places(None, each)
        found.update(dict.fromkeys(matching))
    return list(found)
