"""The registry of readers: a row for each kind of file that a scenario can be read from.

A reader is a folder of its own beside this module, and a row here. Its functions import what they
need when they are called, so that the table costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.readers import native
from engine.readers.parsing.errors import UnknownFormatError, UnreadableSourceError
from engine.readers.parsing.placeholders import Placeholders
from engine.scenario import Scenario
from kernel.near_names import meant


class Reader(Struct, frozen=True):
    """How files of one kind are told from others, and read.

    Attributes:
        name: As ``--format`` takes it, and as ``Scenario.format`` has it.
        title: For people.
        told_by: What in a file's content tells that it is of this kind, in words.
        tells: Whether a file with this text is; it is asked before anything is checked.
        read: Text, name of the file and placeholders to a scenario; the name is for messages, and
            for what lies beside the file. It fills the placeholders, and raises
            ``BadScenarioError`` for the first thing that is wrong.
    """

    name: str
    title: str
    told_by: str
    tells: Callable[[str], bool]
    read: Callable[[str, str, Placeholders], Scenario]


READERS: tuple[Reader, ...] = (
    Reader(
        name="loadmuster",
        title="loadmuster's own scenario, in YAML or JSON",
        told_by="any text that no other reader tells",
        tells=native.tells,
        read=native.read,
    ),
)
"""In the order in which they are asked; the first that tells a file reads it."""


def names_of(readers: Sequence[Reader]) -> str:
    """The names as messages list them."""
    return ", ".join(reader.name for reader in readers)


def reader_named(name: str, file: str, readers: Sequence[Reader]) -> Reader:
    """The reader of that name.

    Raises:
        UnknownFormatError: There is none; the message lists those that there are.
    """
    for reader in readers:
        if reader.name == name:
            return reader
    raise UnknownFormatError(
        f"{file}: no reader for the format {name!r}"
        f"{meant(name, [each.name for each in readers])}; known: {names_of(readers)}",
        file=file,
        format=name,
    )


def reader_of(text: str, file: str, readers: Sequence[Reader]) -> Reader:
    """The reader that the content tells.

    Raises:
        UnreadableSourceError: No reader knows it.
    """
    for reader in readers:
        if reader.tells(text):
            return reader
    raise UnreadableSourceError(
        f"{file}: is of no kind that can be read; known: {names_of(readers)}", file=file
    )
