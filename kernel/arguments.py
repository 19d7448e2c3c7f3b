"""Arguments of callers in Python: of the kind that their annotation says, or refused in one line.

The annotations are read as they are written, so that a module that names a type for type checkers
alone need not import it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path

from kernel.errors import BadInputError
from kernel.near_names import meant

SHOWN_MAX = 60
_GENERIC = re.compile(r"(\w+)\[(.*)\]", re.DOTALL)
_SOME = frozenset({"Sequence", "Collection", "tuple", "list"})


class BadArgumentError(BadInputError):
    """An argument is of the wrong kind, or there is none of its name; facts: ``argument``."""

    code = "bad_argument"


def check_argument(
    name: str, value: object, annotation: str, aliases: Mapping[str, str] | None = None
) -> None:
    """Refuse a value that is not of the kind that an annotation says.

    Numbers are finite and not negative, instants have a time zone, a name is not several.

    Args:
        name: The argument's.
        value: What was given.
        annotation: As it is written, like ``int | None``.
        aliases: What names in it stand for.

    Raises:
        BadArgumentError: With the argument, what was given and what would be right.
    """
    kinds = [
        kind for part in _parts(annotation) for kind in _parts((aliases or {}).get(part, part))
    ]
    if any(_is(value, kind) for kind in kinds):
        return
    wanted = [_words(kind) for kind in kinds if kind != "None"]
    right = " or ".join(dict.fromkeys(wanted))
    unless = ", or None" if "None" in kinds else ""
    raise BadArgumentError(
        f"{name}: {_shown(value)} will not do; give {right}{unless}", argument=name
    )


def check_known(name: str, known: Iterable[str], of_what: str) -> None:
    """Refuse a keyword that there is not.

    Raises:
        BadArgumentError: With the one that may have been meant.
    """
    names = list(known)
    if name not in names:
        raise BadArgumentError(
            f"{of_what} has no {name}{meant(name, names)}; there are {', '.join(names)}",
            argument=name,
        )


def _parts(annotation: str) -> list[str]:
    """The members of a union, not those inside brackets."""
    parts, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _is(value: object, kind: str) -> bool:
    if kind in _PLAIN:
        return _PLAIN[kind][1](value)
    found = _GENERIC.fullmatch(kind)
    if found is None:
        return any(each.__name__ == kind for each in type(value).__mro__)
    name, inner = found[1], found[2].partition(", ...")[0]
    if name == "Callable":
        return callable(value)
    if name in _SOME:
        if not isinstance(value, Collection) or isinstance(value, str | bytes | Mapping):
            return False
        return all(_is(each, inner) for each in value)
    return any(each.__name__ == name for each in type(value).__mro__)


def _words(kind: str) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind][0]
    found = _GENERIC.fullmatch(kind)
    if found is not None and found[1] == "Callable":
        return "a function"
    if found is not None and found[1] in _SOME:
        inner = found[2].partition(", ...")[0]
        return f"a list in which each is {_words(inner)}"
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind.partition('[')[0]}"


def _shown(value: object) -> str:
    """What was given, short, and of which kind it is; whatever its own ``repr`` does."""
    kind = type(value).__name__
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str | int | float | date):
        text = repr(value)[:SHOWN_MAX] if not isinstance(value, date) else str(value)
        return f"the {kind} {text}"
    return f"a value of type {kind}"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value) and value >= 0)


def _is_instant(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


_PLAIN: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "None": ("None", lambda value: value is None),
    "object": ("anything", lambda _: True),
    "str": ("a str", lambda value: isinstance(value, str)),
    "bool": ("True or False", lambda value: isinstance(value, bool)),
    "whole": ("a whole number", lambda value: type(value) is int),
    "int": ("a whole number from 0 on", _is_whole),
    "float": ("a finite number from 0 on", _is_number),
    "Path": ("a Path", lambda value: isinstance(value, Path)),
    "datetime": ("a datetime with a time zone", _is_instant),
    "date": ("a date", lambda value: type(value) is date),
}
