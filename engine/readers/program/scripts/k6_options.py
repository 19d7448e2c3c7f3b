"""The users over time that a k6 script's own ``options`` ask for, as far as they are literal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from engine.readers.program.scripts.js_literals import UNKNOWN, read_literal
from engine.scenario.script_load import ScriptLoad

REMEDY = (
    "let load: say what its options say, users and length, or leave own_stages out to play the "
    "scenario's load"
)
MAX_DURATION_S = 600.0
"""How long k6 lets iterations go on that are counted and not timed."""

_OPTIONS = re.compile(
    r"\bexport\s+(?:const|let|var)\s+options\s*=|\b(?:module\.)?exports\.options\s*="
)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"`/])//[^\n]*", re.DOTALL)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(d|h|ms|m|s)")
_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

Corner = tuple[float, float]


class _UnreadableError(Exception):
    """Something that decides is not literal."""


class _Part(Struct, frozen=True):
    """One of k6's scenarios: its users over time, from its start to its end."""

    corners: tuple[Corner, ...]
    is_exact: bool = True
    is_timed: bool = True


def options_load(name: str, content: bytes) -> ScriptLoad:
    """What a script with stages of its own plays; its injectors share it.

    Args:
        name: The file's, for people.
        content: The script.
    """
    text = _COMMENT.sub(" ", content.decode(errors="replace"))
    where = f"{name} (options)"
    unsure = ScriptLoad(where, REMEDY)
    found = _OPTIONS.search(text)
    options = UNKNOWN if found is None else read_literal(text, found.end())
    if not isinstance(options, dict):
        return unsure
    try:
        parts = tuple(_parts(options))
    except _UnreadableError:
        return unsure
    users = _peak(parts)
    ends_s = max(part.corners[-1][0] for part in parts)
    duration_s = ends_s if all(part.is_timed for part in parts) else None
    if all(part.is_exact for part in parts):
        return ScriptLoad(where, REMEDY, users=users, duration_s=duration_s)
    return ScriptLoad(where, REMEDY, users_most=users, duration_s=duration_s)


def _parts(options: Mapping[str, Any]) -> Iterator[_Part]:
    scenarios = _read(options, "scenarios", {})
    if not isinstance(scenarios, dict):
        raise _UnreadableError
    if not scenarios:
        yield _shortcut(options)
    for scenario in scenarios.values():
        if not isinstance(scenario, dict):
            raise _UnreadableError
        yield _scenario(scenario)


def _shortcut(options: Mapping[str, Any]) -> _Part:
    """``vus``, ``duration``, ``stages`` and ``iterations`` beside no scenario."""
    users = _number(options, "vus", 1)
    stages = _read(options, "stages", None)
    if stages is not None:
        return _Part(tuple(_ramps(0.0, users, stages)))
    if "duration" in options:
        return _Part(((0.0, users), (_seconds(options, "duration", None), users)))
    return _Part(((0.0, users), (MAX_DURATION_S, users)), is_timed=False)


def _scenario(scenario: Mapping[str, Any]) -> _Part:
    start_s = _seconds(scenario, "startTime", 0.0)
    match _read(scenario, "executor", None):
        case "constant-vus":
            users = _number(scenario, "vus", 1)
            return _Part(_flat(start_s, _seconds(scenario, "duration", None), users))
        case "ramping-vus":
            first = _number(scenario, "startVUs", 1)
            return _Part(tuple(_ramps(start_s, first, _read(scenario, "stages", None))))
        case "shared-iterations" | "per-vu-iterations":
            users = _number(scenario, "vus", 1)
            most_s = _seconds(scenario, "maxDuration", MAX_DURATION_S)
            return _Part(_flat(start_s, most_s, users), is_timed=False)
        case "constant-arrival-rate" | "ramping-arrival-rate":
            users = _number(scenario, "maxVUs", _number(scenario, "preAllocatedVUs", None))
            length_s = (
                sum(_seconds(each, "duration", None) for each in _stages(scenario))
                if "stages" in scenario
                else _seconds(scenario, "duration", None)
            )
            return _Part(_flat(start_s, length_s, users), is_exact=False)
    raise _UnreadableError


def _flat(start_s: float, length_s: float, users: float) -> tuple[Corner, ...]:
    return (start_s, users), (start_s + length_s, users)


def _ramps(at_s: float, users: float, stages: object) -> Iterator[Corner]:
    yield at_s, users
    for stage in _stages({"stages": stages}):
        at_s += _seconds(stage, "duration", None)
        yield at_s, _number(stage, "target", None)


def _stages(scenario: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    stages = _read(scenario, "stages", None)
    if not isinstance(stages, list) or not all(isinstance(each, dict) for each in stages):
        raise _UnreadableError
    return stages


def _peak(parts: Sequence[_Part]) -> int:
    """Most users of all parts together; a part that ends makes room for one that begins."""
    instants = {at_s for part in parts for at_s, _ in part.corners}
    tops = [
        sum(_level(part.corners, at_s, before=before) for part in parts)
        for at_s in instants
        for before in (False, True)
    ]
    return round(max(tops))


def _level(corners: Sequence[Corner], at_s: float, *, before: bool) -> float:
    """The users of a part just before, or from, an instant on."""
    for (since_s, low), (until_s, high) in pairwise(corners):
        if since_s < at_s <= until_s if before else since_s <= at_s < until_s:
            return low + (high - low) * (at_s - since_s) / (until_s - since_s)
    return 0.0


def _read(fields: Mapping[str, Any], name: str, default: object) -> Any:  # noqa: ANN401 - any value
    value = fields.get(name, default)
    if value is UNKNOWN:
        raise _UnreadableError
    return value


def _number(fields: Mapping[str, Any], name: str, default: float | None) -> float:
    value = _read(fields, name, default)
    if not isinstance(value, int | float) or value < 0:
        raise _UnreadableError
    return float(value)


def _seconds(fields: Mapping[str, Any], name: str, default: float | None) -> float:
    """A length such as ``1m30s``; a number is one of milliseconds."""
    value = _read(fields, name, None)
    if value is None and default is not None:
        return default
    if isinstance(value, int | float):
        return value / 1000
    found = _LENGTH.findall(value) if isinstance(value, str) else []
    if not found or "".join(map("".join, found)) != value:
        raise _UnreadableError
    return sum(float(number) * _SECONDS[unit] for number, unit in found)
