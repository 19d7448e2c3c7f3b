"""What a deliberate fault is, and whether it still fits the code."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One wrong line.

    Attributes:
        name: What is wrong, for people.
        file: Where, below the root.
        right: Text that stands there exactly once.
        wrong: What stands there instead.
        tests: Paths below the root; one of their tests must fail.
        only: An expression that selects among them, as for ``pytest -k``; empty: all.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
    only: str = ""

    def fits(self, tree: Path) -> bool:
        """Whether the right text stands in its place exactly once."""
        file = tree / self.file
        return file.is_file() and file.read_text(encoding="utf-8").count(self.right) == 1
