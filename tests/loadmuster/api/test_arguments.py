"""Arguments of the wrong kind: one clear error for every public method of every room."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.api import Engine
from engine.commands.arguments import ALIASES, annotation_of
from engine.readers.scenario_request import annotations_of
from engine.runs.request import RunRequest
from kernel.arguments import BadArgumentError, check_argument
from tests.loadmuster.api.test_rooms import ROOMS

WRONG: tuple[object, ...] = (
    *(None, True, -1, 2.5, -0.5, float("nan"), float("inf"), "5", b"5", object(), [1], {}),
    *(date(2027, 1, 1), datetime(2027, 1, 1), datetime(2027, 1, 1, tzinfo=UTC)),  # noqa: DTZ001
)
RIGHT: dict[str, object] = {
    "str": "acme",
    "int": 1,
    "whole": 1,
    "float": 1.0,
    "bool": False,
    "None": None,
    "object": None,
    "Path": Path("x"),
    "date": date(2027, 1, 1),
    "datetime": datetime(2027, 1, 1, tzinfo=UTC),
}


class Unopened:
    """What rooms are made of in this test: a command that began would ask it for something."""


def right(annotation: str) -> object:
    """A value of the kind; of a type of ours, one of a class of that name."""
    kind = ALIASES.get(annotation, annotation).partition(" | ")[0]
    name, _, inner = kind.partition("[")
    if name == "Callable":
        return print
    if inner:
        return ()
    return RIGHT[name] if name in RIGHT else type(name, (), {})()


def commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    """All that callers may call, by room and name."""
    with Engine("sqlite://") as engine:
        for name in ROOMS:
            kind = type(getattr(engine, name))
            for command, _ in inspect.getmembers(kind, inspect.isfunction):
                if not command.startswith("_"):
                    room = kind(Unopened())
                    yield f"{name}.{command}", getattr(room, command)


def refused(call: Callable[[], Any]) -> BadArgumentError:
    def answered() -> None:
        answer = call()
        if inspect.iscoroutine(answer):
            asyncio.run(answer)

    with pytest.raises(BadArgumentError) as error:
        answered()
    return error.value


def wrong_for(annotation: str) -> list[object]:
    """The values above that are not of the kind, told without the check that is tried."""
    members = set(ALIASES.get(annotation, annotation).split(" | "))
    kept = []
    for value in WRONG:
        is_fine = (
            (value is None and members & {"None", "object"})
            or (isinstance(value, str) and members & {"str", "object", "Given"})
            or (value is True and members & {"bool", "object"})
            or (type(value) is float and value == 2.5 and "float" in members)
            or (type(value) is date and "date" in members)
            or (isinstance(value, datetime) and value.tzinfo and "datetime" in members)
            or ("object" in members)
            or (value == -1 and "whole" in members)
            or (isinstance(value, str) and any("Given" in each for each in members))
        )
        if not is_fine:
            kept.append(value)
    return kept


def test_every_argument_of_every_command_refuses_what_is_not_of_its_kind() -> None:
    count = 0
    for called, command in commands():
        parameters = inspect.signature(command).parameters
        for name, parameter in parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            others = {
                each.name: right(annotation_of(each))
                for each in parameters.values()
                if each.default is inspect.Parameter.empty
                and each.kind is not inspect.Parameter.VAR_KEYWORD
            }
            for value in wrong_for(annotation_of(parameter)):
                given = {**others, name: value}
                first = [
                    given.pop(each.name)
                    for each in parameters.values()
                    if each.kind is inspect.Parameter.POSITIONAL_ONLY and each.name in given
                ]
                error = refused(lambda: command(*first, **given))  # noqa: B023 - called at once
                assert error.facts == {"argument": name}, (called, name, value)
                assert error.line.startswith(f"{name}: "), (called, error.line)
                assert "; give " in error.line, (called, error.line)
                assert error.exit_code == 2
                count += 1
    assert count > 1_000


def test_every_field_of_a_request_refuses_what_is_not_of_its_kind(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path / 'none.db'}") as engine:
        for name, annotation in annotations_of(RunRequest).items():
            for value in wrong_for(annotation):
                if name == "scenario":
                    continue
                options: dict[str, Any] = {"source": "none.yaml", "account": "acme", name: value}
                for call in (engine.runs.prepare, engine.runs.start, engine.run):
                    error = refused(lambda: call(**options))  # noqa: B023 - called at once
                    assert error.facts == {"argument": name}, (name, value)
                whole = RunRequest(**options)
                assert refused(lambda: engine.runs.accept(whole)).facts == {"argument": name}  # noqa: B023
                if name in annotations_of(RunRequest.__mro__[1]):
                    del options["account"]
                    estimated = refused(lambda: engine.estimate(**options))  # noqa: B023
                    assert estimated.facts == {"argument": name}
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("value", "annotation", "line"),
    [
        ("5", "int | None", "a: the str '5' will not do; give a whole number from 0 on, or None"),
        (None, "str", "a: None will not do; give a str"),
        (2.5, "int", "a: the float 2.5 will not do; give a whole number from 0 on"),
        (float("nan"), "float", "a: the float nan will not do; give a finite number from 0 on"),
        (True, "int", "a: True will not do; give a whole number from 0 on"),
        ("x", "Sequence[str]", "a: the str 'x' will not do; give a list in which each is a str"),
        (3, "Scenario | Path", "a: the int 3 will not do; give a Scenario or a Path"),
        (object(), "Estimate", "a: a value of type object will not do; give an Estimate"),
        (3, "Callable[[Run], None] | None", "a: the int 3 will not do; give a function, or None"),
    ],
)
def test_the_error_says_what_was_given_and_what_would_be_right(
    value: object, annotation: str, line: str
) -> None:
    with pytest.raises(BadArgumentError) as refused:
        check_argument("a", value, annotation)
    assert refused.value.line == line


def test_a_keyword_that_there_is_not_is_answered_with_the_one_that_was_meant() -> None:
    with Engine("sqlite://") as engine, pytest.raises(BadArgumentError) as refused:
        engine.runs.prepare("a.yaml", account="acme", usrs=3)  # type: ignore[call-overload]
    assert "has no usrs (did you mean 'users'?); there are" in refused.value.line
    with Engine("sqlite://") as engine, pytest.raises(BadArgumentError, match="account is missing"):
        engine.runs.prepare("a.yaml")  # type: ignore[call-overload]


def test_an_engine_itself_is_made_of_the_right_kinds() -> None:
    for name in ("database_url", "folder", "new_id", "user", "rehearsal_url"):
        wrong: dict[str, Any] = {name: 5}
        assert refused(lambda: Engine(**wrong)).facts == {"argument": name}  # noqa: B023
