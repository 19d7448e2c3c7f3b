"""How many users a Gatling simulation injects, where its source is among the program's files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.scenario.script_load import ScriptLoad

REMEDY = (
    'let it inject Integer.getInteger("users") users, or quote what it plays: load: {users: ...} '
    "with injectors: 1"
)
SOURCES = (".scala", ".java", ".kt")

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_INJECTION = re.compile(r"\.inject(?:Open|Closed)?\s*\(")
_STEP = re.compile(
    r"\b(atOnceUsers|constantConcurrentUsers|rampConcurrentUsers)\s*\(\s*(\d+)\s*\)"
    r"(?:\s*\.?\s*to\s*\(?\s*(\d+))?"
)
_ANY_STEP = re.compile(r"\b\w*(?:Users|UsersPerSec)\s*\(")


def simulation_load(simulation: str, sources: Mapping[str, bytes]) -> ScriptLoad | None:
    """What the simulation injects of its own; None: it asks for the users that it is told.

    Args:
        simulation: Its class, with the package.
        sources: The program's source files, by name.
    """
    name = simulation.rpartition(".")[2]
    for file, content in sources.items():
        text = _COMMENT.sub(" ", content.decode(errors="replace"))
        if re.search(rf"\bclass\s+{re.escape(name)}\b", text):
            if '"users"' in text:
                return None
            users = _users(text)
            return ScriptLoad(file, REMEDY, users=users, each_injector=True)
    return ScriptLoad(f"load_engine.simulation: {simulation}", REMEDY)


def _users(text: str) -> int | None:
    """Users at once, where one population is injected in literal numbers that are surely there."""
    steps = _STEP.findall(text)
    if len(_INJECTION.findall(text)) != 1 or len(steps) != len(_ANY_STEP.findall(text)):
        return None
    if any(kind == "atOnceUsers" for kind, *_ in steps) and len(steps) > 1:
        # How many of the first are still there when the next come depends on the target.
        return None
    levels = [int(level) for _, *between in steps for level in between if level]
    return max(levels, default=None)
