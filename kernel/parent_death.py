"""What becomes of a process whose parent ends, on Linux; elsewhere nothing is promised.

A parent that is killed tells nobody. A child that must not outlive it asks the system to be told,
and one that answers for all that was started below it asks to be given what loses its parent.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_TOLD_AT_PARENTS_DEATH = 1
_TAKES_ORPHANS = 36
"""``PR_SET_PDEATHSIG`` and ``PR_SET_CHILD_SUBREAPER`` of <linux/prctl.h>."""


def told_at_death_of_parent(
    number: signal.Signals = signal.SIGTERM,
) -> Callable[[], None] | None:
    """What a child calls before it becomes its program, so that it gets a signal at our death.

    For ``preexec_fn`` of a process with one thread: the system counts the death of the thread that
    started the child. Only the child itself is told, not what it starts.

    Args:
        number: What it is told.

    Returns:
        None where the system has no such thing.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_TOLD_AT_PARENTS_DEATH, int(number))
        if os.getppid() != parent:
            # It died between the fork and the question.
            os.kill(os.getpid(), number)

    return ask


def take_orphans() -> None:
    """Become the parent of every process below this one that loses its own."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_TAKES_ORPHANS, 1)
