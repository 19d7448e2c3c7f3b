"""A program that leaves its caller and lives on: machines of this computer, rehearsed clouds."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

STARTED = b"started"
EXIT_NOT_STARTED = 3


def live_in_background(live: Callable[[Callable[[], None]], int]) -> int:
    """Run ``live`` in a process with a session of its own; the caller returns once it started.

    The program that calls this must have one thread. Whoever ran the program waits for it as for
    any other, never has a child to reap, and can die without taking the background process along.

    Args:
        live: The rest of the program. It receives a function to call once it is at work, and
            returns its exit status.

    Returns:
        To the caller: 0 if ``live`` told that it started, else ``EXIT_NOT_STARTED``. To the
        background process: what ``live`` returned.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return 0 if os.read(reading, len(STARTED)) == STARTED else EXIT_NOT_STARTED
    os.close(reading)
    os.setsid()

    def report_started() -> None:
        # The caller may be gone already; that is what this program is for.
        with suppress(BrokenPipeError):
            os.write(writing, STARTED)
        os.close(writing)

    return live(report_started)
