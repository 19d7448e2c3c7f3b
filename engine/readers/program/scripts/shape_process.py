"""Asks a locustfile's shape what it wants, second by second, in a process of its own.

Run as a module by ``engine.readers.program.scripts.shape``; needs Locust. The answer is written
into the file that the first argument names; nothing is loaded, and no time passes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

SECONDS_MAX = 8 * 86_400
"""A shape that wants users for longer never ends."""


LIFETIME_S = 60
"""Then the system ends this process."""


class _Runner:
    """All that a shape may ask of a runner before there is one: how many users it has."""

    user_count = 0


def main(answer: Path, main_file: str) -> None:
    """Write down what the shape wants, or why that cannot be known."""
    from locust.util.load_locustfile import load_locustfile

    folder = Path.cwd()
    try:
        _, shapes = load_locustfile(str(folder / main_file))
        found = {"shape": False} if not shapes else {"shape": True, **_played(shapes[0])}
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises
        found = {"error": _told(error, folder)}
    answer.write_text(json.dumps(found), encoding="utf-8")
    # Whatever the user's code started has no say in how this process ends.
    os._exit(0)


def _played(shape: Any) -> dict[str, Any]:  # noqa: ANN401 - Locust's, untyped
    """Most users, and for how long."""
    runner = _Runner()
    shape.runner = runner
    users = most = 0.0
    for at_s in range(SECONDS_MAX):
        shape.start_time = time.perf_counter() - at_s
        wanted = shape.tick()
        if wanted is None:
            return {"users": round(most), "duration_s": at_s}
        target, rate = float(wanted[0]), float(wanted[1])
        users = min(target, users + rate) if target > users else max(target, users - rate)
        most = max(most, users)
        runner.user_count = round(users)
    return {"error": f"its shape wants users for more than {SECONDS_MAX // 86_400} days"}


def _told(error: BaseException, folder: Path) -> str:
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f"{Path(frame.filename).relative_to(folder)}:{frame.lineno}: {said}"
    return said


if __name__ == "__main__":
    # Also where whoever waits for it was killed, and whatever the user's code does.
    signal.alarm(LIFETIME_S)
    main(Path(sys.argv[1]), sys.argv[2])
