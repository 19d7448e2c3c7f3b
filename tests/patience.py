"""How long anything real may take in a test: one figure, for a machine as slow as any.

Nobody waits that long but a test that is about to fail. What a test says of time itself is said on
a clock of its own, or in processor time, which a busy machine does not stretch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 600.0
"""For a process to start, to answer, to come to something or to end; a test has twice as long."""

LOOK_S = 0.02
PAUSES_PER_LOOK = 4
"""After a look that has worked for long: what is waited for needs the processor too."""

Seen = TypeVar("Seen")


def until(
    look: Callable[[], Seen], *, every_s: float = LOOK_S, within_s: float = PATIENCE_S
) -> Seen:
    """Look again and again; what was seen first that is neither false nor empty.

    Args:
        look: Looks once.
        every_s: Least pause between looks; after one that worked for long it is longer.
        within_s: Only for what is not on this machine, and has a pace of its own.

    Raises:
        TimeoutError: Nothing was seen in time.
    """
    deadline_s = time.monotonic() + within_s
    worked_s = time.thread_time()
    while not (seen := look()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{look} still answers {seen!r} after {within_s:.0f} s")
        time.sleep(max(every_s, PAUSES_PER_LOOK * (time.thread_time() - worked_s)))
        worked_s = time.thread_time()
    return seen
