"""The files of a program, as they were found beside its scenario."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from engine.scenario.program import BUNDLE_BYTES_MAX


class FoundFiles(Struct, frozen=True):
    """Files that exist, below one folder.

    Attributes:
        folder: The scenario's.
        paths: By their names below it.
    """

    folder: Path
    paths: Mapping[str, Path]

    @property
    def names(self) -> Sequence[str]:
        """All of them."""
        return tuple(self.paths)

    def content(self, name: str) -> bytes:
        """What one of them holds."""
        return read_file(self.paths[name])[0]


def read_file(path: Path) -> tuple[bytes, bool]:
    """A file's content, of which a bundle holds so much at most, and whether it is executable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        executable = bool(os.fstat(descriptor).st_mode & stat.S_IXUSR)
        return opened.read(BUNDLE_BYTES_MAX + 1), executable
