"""The field of a scenario file that names the load engine: any row of the table of engines."""

from __future__ import annotations

import operator
import pkgutil
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag

from engine.load_engines import LOAD_ENGINES, LOCUST
from engine.readers.parsing.fields import problem
from engine.readers.program.entries import ProgramEntry

_NAME_ALONE = f"<{LOCUST.name}>"


def _more_than_a_name(value: object) -> object:
    engine = LOAD_ENGINES.get(value) if isinstance(value, str) else None
    if engine is not None and engine.example is not None:
        raise problem("load_engine", f"{value} needs more than its name; write {engine.example}")
    return value


def _kind(value: object) -> str | None:
    if not isinstance(value, dict):
        return _NAME_ALONE
    name = value.get("name")
    return _tag(name) if isinstance(name, str) and name in LOAD_ENGINES else None


def _tag(name: str) -> str:
    return "<locust user>" if name == LOCUST.name else f"<{name}>"


def _entry() -> Any:  # noqa: ANN401 - a type that pydantic reads
    """Locust by its name, or a mapping of the engine's own."""
    name_alone = Annotated[Literal["locust"], BeforeValidator(_more_than_a_name), Tag(_NAME_ALONE)]
    mappings = [
        Annotated[pkgutil.resolve_name(engine.entry), Tag(_tag(name))]
        for name, engine in LOAD_ENGINES.items()
    ]
    *others, last = LOAD_ENGINES
    message = f"is no load engine; its name is {', '.join(others)} or {last}"
    return Annotated[
        reduce(operator.or_, mappings, name_alone),
        Discriminator(
            _kind,
            custom_error_type="loadmuster_load_engine",
            custom_error_message=message,
        ),
    ]


if TYPE_CHECKING:
    LoadEngineEntry = str | ProgramEntry
else:
    LoadEngineEntry = _entry()
