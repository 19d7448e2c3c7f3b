"""The help of every option, and what a command says is missing."""

from __future__ import annotations

import re

import click
import pytest

from tests.command_line import Command, here
from tests.command_tree import groups_and_commands


def test_no_option_of_any_command_tells_of_a_range_without_an_end() -> None:
    told = 0
    for words, command in groups_and_commands():
        name = " ".join(words)
        context = click.Context(command, info_name=name)
        for option in command.params:
            record = option.get_help_record(context)
            if record is not None:
                assert "None" not in " ".join(record), (name, record)
                told += bool(re.search(r"\[[^\]]*x[<>]", record[1]))
        assert "None" not in command.get_help(context), name
    assert told > 10, "ranges that have an end are told"


@pytest.mark.parametrize("command", ["advise", "plot plans"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "no runs to learn from, so li_minutes must be given, like --li-minutes 60 --runs 30"),
        (("--li-minutes", "60", "--runs", "-1"), "runs must be from 1 to "),
    ],
)
def test_what_a_command_needs_is_told_by_the_name_that_was_typed(
    command: str, given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run: Command = here(capsys)

    code, _, err = run(*command.split(), *given)

    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"loadmuster: {command}: {said}")
