"""Ctrl-C, SIGTERM and a closed terminal as a wish that is noted, and acted on at the next step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class SignalFlag:
    """Remembers that the user asked for the end; asking again changes nothing."""

    def __init__(self) -> None:
        self._first: int | None = None

    def __call__(self) -> bool:
        """Whether the end was asked for."""
        return self._first is not None

    @property
    def by_ctrl_c(self) -> bool:
        """Whether it was asked for at the keyboard."""
        return self._first == signal.SIGINT

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Note the wish; it is seen at the next step."""
        if self._first is None:
            self._first = number


@contextmanager
def told_to_end() -> Iterator[SignalFlag]:
    """Within it, Ctrl-C, SIGTERM and a closed terminal set the flag and end nothing else."""
    flag = SignalFlag()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, flag.on_signal) for each in signals}
    try:
        yield flag
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
