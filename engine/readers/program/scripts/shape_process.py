"""Imports a locustfile and asks its shape what it wants, second by second, in a process of its own.

Run as a module by ``engine.readers.program.scripts.asked``; needs Locust. The answer is written
into the file that the first argument names; nothing is loaded, and no time passes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS_MAX = 8 * 86_400
"""A shape that wants users for longer never ends."""


LIFETIME_S = 60
"""Then the system ends this process."""


CLOCKS = ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns")
"""Of the module ``time``: in none of them does time pass while a shape is asked."""


class _OnlyUnderLoadError(AttributeError):
    """Something that a runner has only while load is on; a shape may ask whether it is there."""


class _Runner:
    """All that a shape may ask of a runner before there is one: how many users it has."""

    user_count = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - nothing, ever
        raise _OnlyUnderLoadError(
            f"the shape asks for self.runner.{name}, which there is only while load is on"
        )


class _Clocks:
    """Notes which of Python's clocks the user's files read."""

    def __init__(self, folder: Path) -> None:
        self.beginning = f"{folder}{os.sep}"
        self.read: dict[str, None] = {}

    def listen(self) -> None:
        """Before the user's files are imported, since they may take a clock by its name."""
        for name in CLOCKS:
            setattr(time, name, self._noted(name, getattr(time, name)))

    def _noted(self, name: str, clock: Callable[[], float]) -> Callable[[], float]:
        def noted() -> float:
            caller = sys._getframe(1)  # noqa: SLF001 - the only way to know who asks
            if caller.f_code.co_filename.startswith(self.beginning):
                self.read[name] = None
            return clock()

        return noted


def main(answer: Path, main_file: str) -> None:
    """Write down what the locustfile has and what its shape wants, or why that is not known."""
    from locust.util.load_locustfile import load_locustfile

    folder = Path.cwd()
    clocks = _Clocks(folder)
    clocks.listen()
    # As injectors find the modules beside the locustfile.
    sys.path[:0] = [str((folder / main_file).parent), str(folder)]
    found: dict[str, Any] = {}
    try:
        users, shapes = load_locustfile(str(folder / main_file))
        found = {"imported": True, "users": len(users), "shape": bool(shapes)}
        clocks.read.clear()
        if shapes:
            found |= _played(shapes[0], clocks)
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises
        found |= {
            "error": _told(error, folder),
            "kind": [each.__name__ for each in type(error).__mro__],
            "module": error.name if isinstance(error, ImportError) else None,
        }
    answer.write_text(json.dumps(found), encoding="utf-8")
    # Whatever the user's code started has no say in how this process ends.
    os._exit(0)


def _played(shape: Any, clocks: _Clocks) -> dict[str, Any]:  # noqa: ANN401 - Locust's, untyped
    """Most users, and for how long."""
    runner = _Runner()
    shape.runner = runner
    users = most = 0.0
    for at_s in range(SECONDS_MAX):
        shape.start_time = time.perf_counter() - at_s
        wanted = shape.tick()
        if wanted is None:
            return {"peak_users": round(most), "duration_s": at_s}
        target, rate = float(wanted[0]), float(wanted[1])
        users = min(target, users + rate) if target > users else max(target, users - rate)
        most = max(most, users)
        runner.user_count = round(users)
    read = "".join(f"; it goes by time.{name}(), which stands still" for name in clocks.read)
    return {"error": f"it wants users for more than {SECONDS_MAX // 86_400} days{read}"}


def _told(error: BaseException, folder: Path) -> str:
    said = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    if isinstance(error, SyntaxError) and error.filename:
        file = Path(error.filename)
        place = file.relative_to(folder) if file.is_relative_to(folder) else file
        return f"{place}:{error.lineno}: {type(error).__name__}: {said}"
    if not isinstance(error, _OnlyUnderLoadError):
        said = f"{type(error).__name__}: {said}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f"{Path(frame.filename).relative_to(folder)}:{frame.lineno}: {said}"
    return said


if __name__ == "__main__":
    # Also where whoever waits for it was killed, and whatever the user's code does.
    signal.alarm(LIFETIME_S)
    main(Path(sys.argv[1]), sys.argv[2])
