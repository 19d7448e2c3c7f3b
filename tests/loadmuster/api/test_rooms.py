"""The engine is composed of rooms; its help is a page; former names go on working."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import Engine
from engine.commands.former_names import FORMER_CALLS, FORMER_NAMES

ROOMS = (
    "accounts",
    "billing",
    "books",
    "calibrations",
    "catalog",
    "db",
    "departments",
    "doctor",
    "reaper",
    "reports",
    "runs",
    "serving",
    "targets",
    "tariffs",
)
CONVENIENCES = {"clock", "close", "estimate", "run"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path / 'loads.db'}") as opened:
        yield opened


def test_the_engine_is_its_rooms_and_a_few_conveniences(engine: Engine) -> None:
    assert Engine.__bases__ == (object,)
    assert {name for name in dir(engine) if not name.startswith("_")} == {*ROOMS, *CONVENIENCES}
    for name in ROOMS:
        room = getattr(engine, name)
        assert room is getattr(engine, name), "one room of a kind"
        assert list(inspect.signature(type(room)).parameters) == ["context"], name
        assert not {*dir(Engine)}.intersection(_commands(room)) - CONVENIENCES, name


def test_help_of_the_engine_reads_like_a_page() -> None:
    page = pydoc.plain(pydoc.render_doc(Engine))
    for name in ROOMS:
        described = getattr(Engine, name).__doc__
        assert described, name
        assert f" |  {name}\n |      {described}\n" in page
        assert described.count("\n") == 0, f"{name}: one line"
    assert "collects nothing" in page, "the default gateway only rehearses"
    for noise in ("_context", "_room", "environ(", " object at 0x", "__dict__", "__weakref__"):
        assert noise not in page, noise


@pytest.mark.parametrize("name", ROOMS)
def test_every_command_of_a_room_says_what_it_does(name: str, engine: Engine) -> None:
    room = getattr(engine, name)
    assert type(room).__doc__
    for command in _commands(room):
        described = inspect.getdoc(inspect.getattr_static(room, command))
        assert described, f"{name}.{command}"
        assert described.splitlines()[0].endswith("."), f"{name}.{command}"


@pytest.mark.parametrize(("former", "current"), FORMER_NAMES.items())
def test_a_former_name_is_the_command_of_today(former: str, current: str, engine: Engine) -> None:
    room, _, name = current.partition(".")
    with pytest.warns(DeprecationWarning, match=rf"Engine\.{former} is Engine\.{current} today"):
        found = getattr(engine, former)
    assert found == getattr(getattr(engine, room), name)


def test_names_that_are_rooms_today_can_still_be_called(engine: Engine) -> None:
    engine.accounts.open("acme")
    assert set(FORMER_CALLS) < set(ROOMS)
    called = {"catalog": ((), engine.catalog.current()), "runs": (("acme",), [])}
    assert set(called) == set(FORMER_CALLS)
    for name, (arguments, expected) in called.items():
        with pytest.warns(DeprecationWarning, match=rf"{name}\(\) is Engine\.{name}\.\w+\(\) "):
            assert getattr(engine, name)(*arguments) == expected


def test_a_former_command_does_what_it_did(engine: Engine) -> None:
    with pytest.warns(DeprecationWarning, match="today") as told:
        engine.open_account("acme", plan="starter")  # type: ignore[attr-defined]
    assert told[0].filename == __file__, "the caller's line is named"
    assert engine.accounts.get("acme").plan == "starter"


def test_a_name_that_never_was_is_no_attribute(engine: Engine) -> None:
    with pytest.raises(AttributeError, match="'Engine' object has no attribute 'opne_account'"):
        engine.opne_account("acme")  # type: ignore[attr-defined]


def test_a_closed_engine_opens_its_database_again(engine: Engine) -> None:
    engine.accounts.open("acme")
    engine.close()
    assert [each.id for each in engine.accounts.list()] == ["acme"]


def _commands(room: object) -> list[str]:
    return [name for name in dir(type(room)) if not name.startswith("_") and name != "former_call"]
