"""How many threads a JMeter test plan has: its thread groups, as far as they are literal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from engine.scenario.script_load import ScriptLoad

TOLD = "users"
"""The property by which a plan is told its threads."""

REMEDY = (
    "write ${__P(users)} as its number of threads, or quote what it plays: load: {users: ...} with "
    "injectors: 1"
)

_PROPERTY = re.compile(r"\$\{__(P|property)\(([^(){}]*)\)\}")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_NUMBER_OF_THREADS = {"ThreadGroup.num_threads", "TargetLevel"}
_BESIDE = {"SetupThreadGroup", "PostThreadGroup"}
"""They play before and after the others."""

_DEPTH_MAX = 8

Threads = tuple[int, int]
"""How often the threads that the plan is told, and how many of its own."""


def plan_load(name: str, content: bytes) -> ScriptLoad | None:
    """What the plan plays of its own; None: its threads are what it is told.

    Args:
        name: The file's, for people.
        content: The plan; a file that is no such XML says nothing surely.
    """
    unsure = ScriptLoad(name, REMEDY)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return unsure
    try:
        plan = ET.fromstring(content)  # noqa: S314 - without entities of its own
    except ET.ParseError:
        return unsure
    variables = dict(_variables(plan))
    groups = [_threads(text, variables) for text in _thread_numbers(plan)]
    known = [each for each in groups if each is not None]
    if len(known) < len(groups):
        return unsure
    one_by_one = any(
        each.get("name") == "TestPlan.serialize_threadgroups" and each.text == "true"
        for each in plan.iter("boolProp")
    )
    told, users = _together(known, one_by_one=one_by_one)
    if (told, users) == (1, 0):
        return None
    return ScriptLoad(name, REMEDY, users=users, told=told, each_injector=True)


def _together(groups: list[Threads], *, one_by_one: bool) -> Threads:
    """All groups at once; where one follows the other, the largest, if that is sure."""
    if one_by_one and groups and len({told for told, _ in groups}) == 1:
        return max(groups)
    return sum(told for told, _ in groups), sum(users for _, users in groups)


def _thread_numbers(plan: ET.Element) -> Iterator[str | None]:
    """The number of threads of each group that is enabled, as it is written; None: it has none."""
    for element in plan.iter():
        kind = element.tag.rpartition(".")[2]
        if not kind.endswith("ThreadGroup") or kind in _BESIDE or element.get("enabled") == "false":
            continue
        found = [each.text for each in element if each.get("name") in _NUMBER_OF_THREADS]
        yield found[0] if found else None


def _variables(plan: ET.Element) -> Iterator[tuple[str, str]]:
    """The plan's user-defined variables."""
    for element in plan.iter("elementProp"):
        texts = {each.get("name"): each.text or "" for each in element}
        if "Argument.name" in texts:
            yield texts["Argument.name"], texts.get("Argument.value", "")


def _threads(text: str | None, variables: Mapping[str, str]) -> Threads | None:
    """What a number of threads comes to; None: only JMeter knows."""
    for _ in range(_DEPTH_MAX):
        text = (text or "").strip()
        if text.isdecimal():
            return 0, int(text)
        if named := _VARIABLE.fullmatch(text):
            text = variables.get(named[1])
            continue
        asked = _PROPERTY.fullmatch(text)
        if asked is None:
            return None
        function, arguments = asked[1], [each.strip() for each in asked[2].split(",")]
        if arguments[0] == TOLD:
            return 1, 0
        # JMeter is given no other property, so the default counts; without one, of __P that is 1.
        defaults = arguments[1:] if function == "P" else arguments[2:]
        text = defaults[0] if defaults else "1" if function == "P" else None
    return None
