"""Of options that contradict each other a command takes one, and says so; none wins silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import click
import pytest

from loadmuster.cli.settings import Command
from tests.command_tree import commands

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

FORMS = frozenset({"--csv", "--focus", "--html", "--pdf"})
"""Options that say in what form something is shown; a command shows it in one."""


def commands_of_ours() -> Iterator[tuple[str, Command]]:
    for name, command in commands():
        assert isinstance(command, Command)
        yield name, command


COMMANDS = dict(commands_of_ours())
PAIRS = [
    (name, *pair)
    for name, command in COMMANDS.items()
    for group in command.one_of
    for pair in combinations(group, 2)
]


def options(command: click.Command) -> dict[str, click.Option]:
    return {
        name: each
        for each in command.params
        if isinstance(each, click.Option)
        for name in (*each.opts, *each.secondary_opts)
    }


def typed(command: click.Command, *names: str) -> list[str]:
    """Words for what the command requires, and for these options."""
    words = ["x" for each in command.params if isinstance(each, click.Argument) and each.required]
    required = [name for name, each in options(command).items() if each.required]
    for name in (*required, *names):
        option = options(command)[name]
        words.append(name)
        if isinstance(option.type, click.Choice):
            words.append(str(option.type.choices[0]))
        elif not option.is_flag:
            words.append("1")
    return words


@pytest.mark.parametrize("name", COMMANDS)
def test_no_two_options_fill_one_parameter(name: str) -> None:
    """The last one typed would win, and nobody would hear of it."""
    filled = Counter(each.name for each in COMMANDS[name].params)
    assert [each for each, count in filled.items() if count > 1] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_forms_of_output_are_declared_to_contradict(name: str) -> None:
    command = COMMANDS[name]
    declared = {frozenset(pair) for group in command.one_of for pair in combinations(group, 2)}
    forms = combinations(sorted(FORMS & options(command).keys()), 2)
    assert {frozenset(pair) for pair in forms} <= declared


def test_what_is_declared_are_options_of_the_command() -> None:
    assert {
        (name, option)
        for name, command in COMMANDS.items()
        for group in command.one_of
        for option in group
        if option not in options(command)
    } == set()


@pytest.mark.parametrize(("name", "first", "second"), PAIRS)
def test_two_that_contradict_are_refused_in_a_line(
    loadmuster: CommandLine, name: str, first: str, second: str
) -> None:
    for names in ((first, second), (second, first)):
        answer = loadmuster.here(*name.split(), *typed(COMMANDS[name], *names))
        told = answer.json["error"]["message"] if "--json" in names else answer.err
        assert answer.code == 2
        assert f"{first} and {second} contradict each other; choose one" in told
        assert told.strip().count("\n") == 0
    assert not loadmuster.database.exists()


def test_json_before_the_command_contradicts_too(loadmuster: CommandLine) -> None:
    answer = loadmuster.here("--json", "usage", "acme", "--focus")
    assert answer.code == 2
    assert "--focus and --json" in answer.json["error"]["message"]


def test_one_of_them_is_taken(loadmuster: CommandLine) -> None:
    assert loadmuster.here("account", "open", "acme", "--plan", "starter").code == 0
    for form, first in (("--csv", "run,at,"), ("--focus", "BilledCost,"), ("--json", "{")):
        answer = loadmuster.here("usage", "acme", form)
        assert (answer.code, answer.out.startswith(first)) == (0, True), answer.err
