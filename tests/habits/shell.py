"""The process between a terminal and a command: session, job control, pipes, as in any shell.

A command whose session nobody else is in cannot be suspended, and a closed terminal tells the shell
first, which tells the command. Started in a fork that has imported the command line.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn

from msgspec import Struct

from tests.habits.sessions import Screen
from tests.kills.commands import ROOT

GO_ON = "fg"
STOPPED = "stopped"
INTERRUPTED = 130
HEAD = ("head", "-n", "3")
LOOK_S = 0.05
HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
"""What reaches a command only once it is one."""


class Job(Struct, frozen=True):
    """A command and where it lives.

    Attributes:
        arguments: After ``loadmuster``.
        environment: Added to this process's.
        screen: Where its output goes.
        device: The terminal, the pipe or the file that takes it.
        cold: It is executed from nothing.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    screen: Screen
    device: str
    cold: bool


def be_shell(job: Job, harness: Connection) -> None:
    """Execute the job; tell the harness its process, that it is suspended, and how it ended."""
    os.setsid()
    terminal = os.open(job.device, os.O_RDWR) if job.screen is Screen.TERMINAL else None
    if terminal is not None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    pid = _begin(job, terminal, harness)
    _hand_over(terminal, pid)
    shell = _Shell(pid, terminal)
    signal.signal(signal.SIGHUP, shell.on_hang_up)
    harness.send(pid)
    with suppress(BrokenPipeError):
        harness.send(shell.wait(harness))


class _Shell:
    """Waits for one job."""

    def __init__(self, pid: int, terminal: int | None) -> None:
        self._pid = pid
        self._terminal = terminal
        self._hung_up = False

    def on_hang_up(self, _number: int, _frame: FrameType | None) -> None:
        """Tell the job that its terminal is gone, suspended or not."""
        self._hung_up = True
        for number in (signal.SIGHUP, signal.SIGCONT):
            with suppress(ProcessLookupError):
                os.killpg(self._pid, number)

    def wait(self, harness: Connection) -> int:
        """How it ended, negative for a signal."""
        while True:
            _, status = os.waitpid(self._pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                return os.waitstatus_to_exitcode(status)
            _hand_over(self._terminal, os.getpid())
            harness.send(STOPPED)
            self._until_it_may_go_on(harness)

    def _until_it_may_go_on(self, harness: Connection) -> None:
        while not self._hung_up:
            try:
                if harness.poll(LOOK_S) and harness.recv() == GO_ON:
                    _hand_over(self._terminal, self._pid)
                    os.killpg(self._pid, signal.SIGCONT)
                    return
            except EOFError:
                os.killpg(self._pid, signal.SIGKILL)
                return


def _hand_over(terminal: int | None, group: int) -> None:
    if terminal is not None:
        # It may be closed by now.
        with suppress(OSError):
            os.tcsetpgrp(terminal, group)


def _begin(job: Job, terminal: int | None, harness: Connection) -> int:
    """The job's process, and beside it in its group whoever reads what it says."""
    pipe = os.pipe() if job.screen is Screen.HEAD else None
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    pid = os.fork()
    if pid == 0:
        harness.close()
        os.setpgid(0, 0)
        _hand_over(terminal, os.getpid())
        # A shell that was started in the background ignores some, and its commands would too.
        for number in (signal.SIGTTOU, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _be(job, terminal, pipe)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)
    if pipe is not None:
        _begin_head(job, pid, pipe)
        for each in pipe:
            os.close(each)
    return pid


def _begin_head(job: Job, group: int, pipe: tuple[int, int]) -> None:
    if os.fork() == 0:
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(0, group)
        os.dup2(pipe[0], 0)
        os.dup2(_writable(job.device), 1)
        os.closerange(3, 256)
        os.execvp(HEAD[0], HEAD)  # noqa: S606 - head, as a user types it


def _be(job: Job, terminal: int | None, pipe: tuple[int, int] | None) -> NoReturn:
    """Be the command, from its first line to its exit."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = error = terminal if terminal is not None else _writable(job.device)
    if pipe is not None:
        out = pipe[1]
    elif job.screen is Screen.FULL:
        out = _writable("/dev/full")
    for source, target in ((nothing if terminal is None else terminal, 0), (out, 1), (error, 2)):
        os.dup2(source, target)
    for each in {nothing, out, error, *(pipe or ())} - {0, 1, 2}:
        os.close(each)
    if job.screen in {Screen.NO_OUTPUT, Screen.NEITHER}:
        os.close(1)
    if job.screen in {Screen.NO_ERRORS, Screen.NEITHER}:
        os.close(2)
    os.environ.update(job.environment)
    os.chdir(ROOT)
    if job.cold:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        os.execv(sys.executable, [sys.executable, "-m", "loadmuster.cli", *job.arguments])  # noqa: S606
    _renew_streams()
    sys.argv = ["loadmuster", *job.arguments]
    from loadmuster.cli.main import main

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    main(job.arguments)
    sys.exit(0)


def _writable(file: str) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _renew_streams() -> None:
    """What Python makes of the standard streams at its start, for those that are there now."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, name, None)
            continue
        lines = 1 if number == 2 or os.isatty(number) else -1
        stream = open(number, mode, buffering=lines, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the program's life
        setattr(sys, name, stream)
