"""Logs: what injectors wrote while they put load on, from a run's folder.

They tell of a target, and may hold whatever it sent: bounded, and printable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from engine.load.failure_kinds import printable

BYTES_MAX = 256 * 1024
"""Of the end of a log."""

LINE_MAX = 500
LOGS_MAX = 100
"""Injectors whose logs are read at once, where none is named."""

TAIL = 40
TAIL_MAX = 5_000

_NAME = re.compile(r"^(?:(?P<master>master)|(?:worker|injector)-(?P<injector>\d{1,6}))\.log$")


class InjectorLog(Struct, frozen=True):
    """The end of what one injector wrote.

    Attributes:
        injector: From 0; None: the master of Locust's workers.
        file: Where it is.
        lines: The last of them, oldest first; printable, and cut where they are long.
    """

    injector: int | None
    file: Path
    lines: tuple[str, ...]


def injector_file(folder: Path, injector: int) -> Path:
    """Where the log of an injector goes that left it elsewhere."""
    return folder / f"injector-{injector}.log"


def read_logs(folder: Path, injector: int | None = None, tail: int = TAIL) -> list[InjectorLog]:
    """The logs in a run's folder, by injector.

    Args:
        folder: The run's own.
        injector: Of which alone; None: of the first hundred, and of the master.
        tail: How many lines of each, at most ``TAIL_MAX``.
    """
    most = max(0, min(tail, TAIL_MAX))
    found = [(number, path) for number, path in _files(folder) if injector in {None, number}]
    return [
        InjectorLog(number, path, _end_of(path, most)) for number, path in found[: LOGS_MAX + 1]
    ]


def _files(folder: Path) -> Iterator[tuple[int | None, Path]]:
    """The logs by injector, the master's first."""
    named = [(path, _NAME.match(path.name)) for path in folder.glob("*.log")]
    found = [
        (None if match["master"] else int(match["injector"]), path)
        for path, match in named
        if match is not None and path.is_file()
    ]
    yield from sorted(found, key=lambda each: (-1 if each[0] is None else each[0], each[1].name))


def _end_of(path: Path, lines: int) -> tuple[str, ...]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - BYTES_MAX))
        content = file.read(BYTES_MAX)
    found = content.decode("utf-8", errors="replace").splitlines()
    whole = found[1:] if size > BYTES_MAX else found
    return tuple(printable(each, LINE_MAX) for each in (whole[-lines:] if lines else ()))
