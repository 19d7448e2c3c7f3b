"""A group of commands without a command: what there is, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from loadmuster.cli.settings import CommandGroup
from tests.command_tree import groups_and_commands

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

Path = tuple[str, ...]


GROUPS = {words: each for words, each in groups_and_commands() if isinstance(each, click.Group)}
OF_EACH = pytest.mark.parametrize("path", GROUPS, ids=lambda path: " ".join(path) or "all")


def test_every_group_is_of_the_kind_that_helps() -> None:
    known = {(), ("account",), ("department",), ("catalog",), ("tariff",), ("plot",)}
    assert set(GROUPS) >= known
    assert {path for path, group in GROUPS.items() if not isinstance(group, CommandGroup)} == set()


@OF_EACH
@pytest.mark.parametrize("options", [(), ("--db", "sqlite:///none.db")], ids=["bare", "--db"])
def test_a_group_alone_prints_its_help_where_errors_go(
    path: Path, options: Path, loadmuster: CommandLine
) -> None:
    asked = loadmuster.here(*path, "--help")
    assert (asked.code, asked.err) == (0, "")

    answer = loadmuster.here(*path, *options)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == asked.out
    assert answer.err.startswith(" ".join(("Usage: loadmuster", *path, "[OPTIONS]")))
    names = GROUPS[path].list_commands(click.Context(GROUPS[path]))
    lines = [line.split() for line in answer.err.splitlines()]
    assert {name for name in names if not any(line[:1] == [name] for line in lines)} == set()


@OF_EACH
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_group_alone_is_one_error_with_json(
    path: Path, before: bool, loadmuster: CommandLine
) -> None:
    answer = loadmuster.here(*(("--json", *path) if before else (*path, "--json")))
    where = " ".join(("loadmuster", *path))
    message = f"{where}: no command is named; `{where} --help` lists them"
    assert answer.code == 2
    assert answer.json == {"error": {"code": "bad_input", "message": message, "where": where}}
    assert answer.err == f"loadmuster: {message}\n"


@pytest.mark.parametrize("line", ["--json --bogus", "--json acount", "account --json opne"])
def test_a_command_line_that_is_refused_before_it_is_read_is_one_error_with_json(
    line: str, loadmuster: CommandLine
) -> None:
    answer = loadmuster.here(*line.split())
    assert (answer.code, answer.json["error"]["code"]) == (2, "bad_input")
    assert answer.err.count("\n") == 1
