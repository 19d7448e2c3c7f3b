"""What a room's commands are given, checked before they begin: one error for every wrong kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from types import FunctionType
from typing import Any, TypeVar

from kernel.arguments import check_argument

ALIASES: Mapping[str, str] = {
    "Given": "Scenario | str | Path",
    "Watch": "Callable[[CalibrationStep | None, int | None], None]",
}
"""What the names of types in annotations of the rooms stand for."""

SAY_THEIR_RANGE = frozenset(
    {"credits_wanted", "li_minutes", "limit_li_minutes", "runs", "usd_micros", "users"}
)
"""Whole numbers of which the rule itself says from where to where they go."""

Room = TypeVar("Room", bound=type)


def checked(room: Room) -> Room:
    """Check what the public commands of a room are given, as their annotations say.

    Keywords that are the fields of a request are checked where the request is made.
    """
    for name, command in list(vars(room).items()):
        if isinstance(command, FunctionType) and not name.startswith("_"):
            setattr(room, name, _checked(command))
    return room


def _checked(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, which refuses arguments of the wrong kind."""
    if inspect.iscoroutinefunction(command):

        @wraps(command)
        async def checks_first(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the command
            _check(command, args, named)
            return await command(*args, **named)

        return checks_first

    @wraps(command)
    def checks(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the command
        _check(command, args, named)
        return command(*args, **named)

    return checks


def _check(command: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    signature = _signature(command)
    for name, value in signature.bind(*args, **named).arguments.items():
        parameter = signature.parameters[name]
        if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            check_argument(name, value, annotation_of(parameter), ALIASES)


def annotation_of(parameter: inspect.Parameter) -> str:
    """What an argument has to be."""
    written = str(parameter.annotation)
    return written.replace("int", "whole") if parameter.name in SAY_THEIR_RANGE else written


@lru_cache(maxsize=256)
def _signature(command: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(command)
