"""Values as dicts, lists, strings and numbers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, json


def plain(value: Struct | tuple[Struct, ...]) -> Any:  # noqa: ANN401 - whatever the value is
    """The value as ``json.loads`` would give it: structs as dicts, enums as what they stand for."""
    return json.decode(json.encode(value))
