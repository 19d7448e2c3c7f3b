"""loadmuster's own scenario format, in YAML or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.readers.parsing.placeholders import Placeholders
    from engine.scenario import Scenario


def tells(text: str) -> bool:
    """Whether a file with this text is one: any may be meant to be, and is told what is missing."""
    del text
    return True


def read(text: str, file: str, placeholders: Placeholders) -> Scenario:
    """The scenario that a file describes.

    Args:
        text: What the file holds.
        file: Its name, for messages; a program's files lie beside it.
        placeholders: To be filled.

    Raises:
        BadScenarioError: For the first thing that is wrong.
        BadSettingsError: Placeholders lack values, or values placeholders.
    """
    from engine.readers.native.reader import read_native
    from engine.readers.parsing.tree import read_tree

    tree = read_tree(text, file, placeholders)
    placeholders.require_settled(file)
    return read_native(tree, file)
