"""Standard output and standard error that may be closed, full, gone, or short of letters.

What a command did is done whether or not somebody can read of it: a picture that cannot be printed
changes no exit code, and a display that breaks ends no run.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from kernel.disk import free_space
from kernel.visible import visible, visible_json, visible_lines

GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF})
"""What a write fails with when its reader has left, or its terminal is closed."""

_STANDARD = (0, 1, 2)


def prepare() -> None:
    """See to it that all three standard streams can be written to.

    One that the caller closed becomes the null device: otherwise the next file that is opened, the
    database perhaps, would be what child processes print into. A letter that the caller's encoding
    does not have is printed as a question mark.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for the program's life
        elif isinstance(stream, io.TextIOWrapper) and not stream.encoding.startswith("utf"):
            stream.reconfigure(errors="replace")


def abandon(stream: int = 1) -> None:
    """Let what is left for a stream go nowhere: Python flushes it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)


def print_document(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(document_text(document))


def document_text(value: object, indent: int = 2) -> str:
    """A document as it is printed: letters as they are, and nothing that a terminal obeys."""
    return visible_json(json.dumps(value, indent=indent, ensure_ascii=False))


class VisibleRows:
    """Standard output for rows of a file, such as CSV: as they are, but for a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    def write(self, row: str) -> None:
        """Write what the rows' writer has made of one."""
        sys.stdout.write(visible_lines(row) if self._is_terminal else row)


def tell(text: str) -> None:
    """One line of ours on standard error, whatever texts of others are in it."""
    tell_line(f"loadmuster: {text}")


def tell_line(line: str) -> None:
    """One line on standard error, as it is, and as a terminal may have it."""
    click.echo(visible(line), err=True)


@contextmanager
def unread_is_no_failure() -> Iterator[None]:
    """Within it, a reader that leaves in the middle (``| head``) is no error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in GONE:
            raise
        abandon()


@contextmanager
def unwritten_is_told(then: str) -> Iterator[None]:
    """Within it, what cannot be written is told in one line, and the exit code stays.

    Args:
        then: What becomes of what would have been shown.
    """
    try:
        with unread_is_no_failure():
            yield
    except OSError as error:
        tell_unwritten(error, then)


def tell_unwritten(error: OSError, then: str) -> None:
    """One line where output cannot be written, which may be the disk that is full."""
    with suppress(OSError):
        free = "" if error.filename is None else free_space(Path(error.filename), error)
        tell(f"{error.filename or 'output'}: cannot be written: {error.strerror}{free}; {then}")
    abandon()
