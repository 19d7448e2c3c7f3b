"""One clear line from what pydantic found wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.readers.parsing.errors import BadScenarioError, bad_scenario
from engine.readers.parsing.fields import WHAT_FITS
from engine.readers.parsing.tree import Path, Tree

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_SHOWN_CHARACTERS_MAX = 40
_INEXACT = 2.0**53

_WRONG_TYPES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
}
_WITHOUT_VALUE = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most"}


def explain(error: ValidationError, tree: Tree, file: str) -> BadScenarioError:
    """The first thing wrong, by line: file, line, field, and what would be right."""
    found = [(_path(each), each) for each in error.errors(include_url=False)]
    path, first = min(found, key=lambda each: tree.line_of(each[0]) or 0)
    return bad_scenario(
        file, _sentence(first), field=format_path(path) or None, line=tree.line_of(path)
    )


def format_path(path: Path) -> str:
    """A path as people write it: ``load.users.stages[1].hold``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _path(error: ErrorDetails) -> Path:
    """The location without the union tags, which are in angle brackets."""
    path = tuple(
        part
        for part in error["loc"]
        if isinstance(part, int) or not (part.startswith(("<", "[")) and part.endswith((">", "]")))
    )
    unknown = error.get("ctx", {}).get("field")
    return path if unknown is None else (*path, unknown)


def _sentence(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind.startswith("loadmuster_"):
        return error["msg"]
    if kind in _WITHOUT_VALUE:
        return _WITHOUT_VALUE[kind]
    if isinstance(error["input"], float) and abs(error["input"]) >= _INEXACT:
        return f"is too large a number: {_shown(error['input'])}"
    return f"{_what_fits(kind, context) or error['msg']}, not {_shown(error['input'])}"


def _what_fits(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind in {"literal_error", "enum"}:
        return f"must be {context['expected']}"
    if kind == "string_pattern_mismatch":
        return WHAT_FITS[context["pattern"]]
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"must be {words} {context[bound]}"
    return _WRONG_TYPES.get(kind)


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}..."
