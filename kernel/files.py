"""Files that are whole whenever they are read, and written over none that is read."""

from __future__ import annotations

import os
from pathlib import Path

from kernel.errors import BadInputError


def is_same_place(one: Path, other: Path) -> bool:
    """Whether two names are one file or folder: spelt otherwise, or through links.

    Neither has to be there.
    """
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except (OSError, RuntimeError):
        return False


def check_apart(out: Path, source: Path, *, said: str) -> None:
    """Refuse to write over what is read.

    Args:
        out: What is to be written.
        source: What is read.
        said: Which the two are, for people: ``OUT is IN``.

    Raises:
        BadInputError: They are one file, or one folder.
    """
    if is_same_place(out, source):
        raise BadInputError(f"{said}; name another file", file=str(out))


def check_folders_apart(out: Path, source: Path, *, said: tuple[str, str, str]) -> None:
    """Refuse to write a folder over, into or around the one that is read.

    Args:
        out: The folder that is to be written.
        source: The folder that is read.
        said: Where they are, for people: ``OUT is IN``, ``OUT is within IN``, ``IN is within OUT``.

    Raises:
        BadInputError: They are one, or one is within the other.
    """
    is_it, within, around = said
    check_apart(out, source, said=is_it)
    whole_out, whole_source = out.resolve(), source.resolve()
    if whole_out.is_relative_to(whole_source):
        raise BadInputError(f"{within}; name another folder", file=str(out))
    if whole_source.is_relative_to(whole_out):
        raise BadInputError(f"{around}; name another folder", file=str(out))


def write_whole(path: Path, content: bytes) -> None:
    """Put the content in the place of the file, which is never there in part.

    It is written beside, under a hidden name of this process's own, and moved. Where that fails
    nothing is left of it, so that a full disk does not fill with halves.

    Raises:
        OSError: The folder is missing, full, or must not be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
