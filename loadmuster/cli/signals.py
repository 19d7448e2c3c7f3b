"""SIGTERM and a closed terminal, which end a command as Ctrl-C does: it tidies up on its way out.

Where a run is driven, all three are a wish that is noted, and acted on at the next step. A signal
that the caller has had ignored (``nohup``) stays ignored.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDED_BY_SIGNAL = 128
"""A shell's exit code of what a signal has ended is this and the signal's number."""

Handler = Callable[[int, FrameType | None], None]


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

    @property
    def exit_code(self) -> int:
        """What a command ends with that the end was asked of: a shell's code of that signal.

        Where nobody asked, its output was closed, which ends it as Ctrl-C does.
        """
        return ENDED_BY_SIGNAL + (signal.SIGINT if self._first is None else self._first)

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Note the wish; it is seen at the next step."""
        if self._first is None:
            self._first = number


@contextmanager
def told_to_end() -> Iterator[SignalFlag]:
    """Within it, Ctrl-C, SIGTERM and a closed terminal set the flag and end nothing else."""
    flag = SignalFlag()
    with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), flag.on_signal):
        yield flag


@contextmanager
def tidied_up() -> Iterator[SignalFlag]:
    """Within it, SIGTERM and a closed terminal leave by way of every ``finally``.

    So does Ctrl-C, and the flag remembers it: a library may take it for a fault of its own and
    raise that instead, as pydantic does while it builds a model.
    """
    interrupted = SignalFlag()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.on_signal(number, frame)
        signal.default_int_handler(number, frame)

    with (
        _handled((signal.SIGTERM, signal.SIGHUP), _leave),
        _handled((signal.SIGINT,), interrupt),
    ):
        yield interrupted


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(ENDED_BY_SIGNAL + number)


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Handler) -> Iterator[None]:
    """Signals are for the main thread; elsewhere nothing changes."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        heard = [each for each in numbers if signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, handler) for each in heard}
    try:
        yield
    finally:
        for each, handler_before in before.items():
            signal.signal(each, handler_before)
