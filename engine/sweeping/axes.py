"""Axes: what a grid of what-ifs varies, as people write it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.planning.places import ANY_REGION
from engine.scenario import Protocol
from engine.sweeping.columns import NUMBERS
from engine.sweeping.row_keys import PLAN
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError
from pricing.catalog import Catalog

ENTRIES_MAX = 1_000_000
"""Of an axis that is listed, not counted up."""

ALIASES = {"type": "instance_type", "duration": "duration_s"}
NAMED = ("protocol", "provider", "region", "instance_type", "plan")
COUNTED_PARTS = (2, 3)
"""``from:to`` and ``from:to:step``."""


class BadAxisError(BadInputError):
    """An axis of a grid that cannot be read; facts: ``axis``."""

    code = "bad_axis"


class Axes(Struct, frozen=True):
    """What a grid varies; every combination is a what-if.

    Attributes:
        users: Most users at once.
        duration_s: Planned lengths.
        users_per_injector: Fixed payloads; empty: the protocol's.
        injectors: Fixed numbers of injectors; empty: as many as it takes.
        protocols: What the users speak.
        providers: Whose machines; empty: those that have the region.
        regions: Where the load comes from; empty: no machines, or each provider's default.
        instance_types: The only machine type that may be taken; empty: any.
        plans: Plans or tariffs that bill the run.
    """

    users: Sequence[int]
    duration_s: Sequence[int]
    users_per_injector: Sequence[int] = ()
    injectors: Sequence[int] = ()
    protocols: Sequence[str] = ("http",)
    providers: Sequence[str] = ()
    regions: Sequence[str] = ()
    instance_types: Sequence[str] = ()
    plans: Sequence[str] = (PLAN,)


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
        name = ALIASES.get(written.strip(), written.strip())
        if not equals or not values.strip() or name not in (*NUMBERS, *NAMED):
            known = "users, duration, users_per_injector, injectors, protocol, provider, region"
            raise BadAxisError(
                f"--grid: {text!r} is no axis; write it like users=100:100000:100, with one of "
                f"{known}, type and plan",
                axis=written,
            )
        if name in found:
            raise BadAxisError(f"--grid: {written} is there twice", axis=written)
        found[name] = values
    for needed in ("users", "duration_s"):
        if needed not in found:
            said = needed.removesuffix("_s")
            raise BadAxisError(f"--grid: give an axis {said}, such as {said}=...", axis=said)
    if "users_per_injector" in found and "injectors" in found:
        raise BadAxisError("--grid: give either users_per_injector or injectors", axis="injectors")
    users, duration_s = _numbers("users", found.pop("users")), _durations(found.pop("duration_s"))
    others: dict[str, Any] = {}
    for name, values in found.items():
        if name in NUMBERS:
            others[name] = _numbers(name, values)
        elif name == "region":
            others["regions"] = _regions(values, catalog)
        else:
            others[f"{name}s"] = _known(name, _names(values))
    return Axes(users, duration_s, **({"plans": [plan]} | others))


def _numbers(name: str, text: str) -> Sequence[int]:
    """A list, or a range with both its ends."""
    parts = text.split(":")
    if len(parts) in COUNTED_PARTS:
        low, high, *step = (_number(name, each) for each in parts)
        return _counted(name, low, high, step[0] if step else 1)
    return _listed(name, [_number(name, each) for each in text.split(",")])


def _durations(text: str) -> Sequence[int]:
    parts = text.split(":")
    if len(parts) in COUNTED_PARTS:
        low, high, *step = (parse_duration_s(each, where="--grid duration") for each in parts)
        return _counted("duration", low, high, step[0] if step else 60)
    return _listed(
        "duration", [parse_duration_s(each, where="--grid duration") for each in text.split(",")]
    )


def _counted(name: str, low: int, high: int, step: int) -> range:
    if step < 1 or high < low:
        raise BadAxisError(
            f"--grid: {name} goes up from the first to the second in steps of the third", axis=name
        )
    _check(name, [low, high])
    return range(low, high + 1, step)


def _listed(name: str, numbers: Sequence[int]) -> Sequence[int]:
    _check(name, numbers)
    if len(numbers) > ENTRIES_MAX:
        raise BadAxisError(f"--grid: {name} lists more than {ENTRIES_MAX:,} numbers", axis=name)
    return numbers


def _check(name: str, numbers: Sequence[int]) -> None:
    most = NUMBERS["duration_s" if name == "duration" else name]
    for each in numbers:
        if not 1 <= each <= most:
            raise BadAxisError(
                f"--grid: {name} must be from 1 to {most:,}, not {each:,}", axis=name
            )


def _number(name: str, text: str) -> int:
    digits = text.strip().replace("_", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):  # noqa: PLR2004 - beyond any limit
        raise BadAxisError(f"--grid: {name}: {text!r} is no whole number", axis=name)
    return int(digits)


def _names(text: str) -> Sequence[str]:
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _known(name: str, names: Sequence[str]) -> Sequence[str]:
    """The names; a protocol or a provider that there is not is refused."""
    known: Sequence[str] = {"protocol": tuple(Protocol), "provider": tuple(CLOUDS)}.get(name, names)
    for each in names:
        if each not in known:
            raise BadAxisError(
                f"--grid: {name} {each!r} is unknown; there are {', '.join(known)}", axis=name
            )
    return names


def _regions(text: str, catalog: Catalog) -> Sequence[str]:
    every = [region for provider in CLOUDS for region in catalog.regions(provider)]
    found: dict[str, None] = {}
    for each in _names(text):
        matching = fnmatch.filter(every, "*" if each == ANY_REGION else each)
        if not matching:
            catalog.places(None, each)
        found.update(dict.fromkeys(matching))
    return list(found)
