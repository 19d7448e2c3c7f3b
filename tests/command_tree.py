"""The command line as a tree: every group and every command, by the words that lead to it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from loadmuster.cli.main import cli

Words = tuple[str, ...]


def groups_and_commands(
    command: click.Command = cli, words: Words = ()
) -> Iterator[tuple[Words, click.Command]]:
    """All of them, a group before what is in it; the first is the whole, by no words."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from groups_and_commands(found, (*words, name))


def commands() -> Iterator[tuple[str, click.Command]]:
    """What can be called, by its words with blanks between them."""
    for words, command in groups_and_commands():
        if not isinstance(command, click.Group):
            yield " ".join(words), command
