"""Opening a source: a regular file of bounded size, or standard input, as text."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from engine.readers.parsing.errors import UnreadableSourceError

SOURCE_BYTES_MAX = 4 * 1024 * 1024

STANDARD_INPUT = "-"
"""As a path: what is piped into the program; ``./-`` is a file of that name."""

STANDARD_INPUT_NAME = "standard input"


def read_source(path: Path) -> str:
    """The text of a file, read only if it can be a scenario.

    The file is opened without blocking and looked at through the open descriptor, so that a named
    pipe does not hang and nothing can be swapped between the look and the reading. The read itself
    is bounded too, because some files grow, or say that they are empty. The path ``-`` is what is
    piped into the program.

    Raises:
        UnreadableSourceError: If it is missing, no regular file, too large or not UTF-8.
    """
    if str(path) == STANDARD_INPUT:
        return _text(Path(STANDARD_INPUT_NAME), _from_standard_input())
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _require_small_regular_file(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(SOURCE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL character in the path
        raise _unreadable(path, f"cannot be read: {error}") from error
    return _text(path, content)


def name_of(source: Path | str) -> str:
    """What a source is called in messages."""
    return STANDARD_INPUT_NAME if str(source) == STANDARD_INPUT else str(source)


def _from_standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read(SOURCE_BYTES_MAX + 1)
    except (AttributeError, OSError, ValueError) as error:
        raise UnreadableSourceError(
            f"{STANDARD_INPUT_NAME}: cannot be read: it is closed; pipe a scenario into it",
            file=STANDARD_INPUT_NAME,
        ) from error


def _text(path: Path, content: bytes) -> str:
    if len(content) > SOURCE_BYTES_MAX:
        raise _too_large(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(
            path, f"byte {error.start} is not UTF-8; a scenario is UTF-8 text"
        ) from error


def _require_small_regular_file(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(path, "is a directory; give a scenario file")
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(path, "is no regular file; give a scenario file")
    if status.st_size > SOURCE_BYTES_MAX:
        raise _too_large(path)


def _too_large(path: Path) -> UnreadableSourceError:
    mib = SOURCE_BYTES_MAX // (1024 * 1024)
    return _unreadable(path, f"is larger than {mib} MiB; no scenario is that large")


def _unreadable(path: Path, reason: str) -> UnreadableSourceError:
    return UnreadableSourceError(f"{path}: {reason}", file=str(path))
