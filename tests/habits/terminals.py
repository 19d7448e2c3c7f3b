"""A command in a terminal, a pipe or a file, and what people do to it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.habits.sessions import Screen
from tests.habits.shell import GO_ON, STOPPED, Job, be_shell
from tests.kills.commands import FORKS, WARM

LOOK_S = 0.05
SUSPENDED_WITHIN_S = 20.0
CHUNK_BYTES = 65_536
QUESTION = b"Start it?"


class Terminal:
    """A command that has just been started.

    Attributes:
        name: For people.
        arguments: After ``loadmuster``.
        done_to_it: The signals that it was sent, and ``closed``, while it lived.
        disturbed_at_s: When the first of them was, since its start.
    """

    def __init__(  # noqa: PLR0913 - what a terminal window has
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        logs: Path,
        screen: Screen = Screen.PIPE,
        size: tuple[int, int] = (24, 80),
        answer: str | None = None,
        cold: bool = False,
    ) -> None:
        self.name = name
        self.arguments = tuple(arguments)
        self.screen = screen
        self.done_to_it: list[str] = []
        self.began_s = time.monotonic()
        self._answer = answer
        self._said = bytearray()
        self._log = logs / f"{name}.log"
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._slave: int | None = None
        self._code: int | None = None
        self._pid: int | None = None
        self.stopped = False
        device = self._open_device(size)
        FORKS.set_forkserver_preload([WARM])
        self._shell, other = FORKS.Pipe()
        job = Job(self.arguments, dict(environment), screen, device, cold)
        self._process = FORKS.Process(target=be_shell, args=(job, other))
        self._process.start()
        other.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _open_device(self, size: tuple[int, int]) -> str:
        if self.screen is Screen.TERMINAL:
            self._master, self._slave = os.openpty()
            self.resize(*size)
            return os.ttyname(self._slave)
        if self.screen is Screen.PIPE:
            pipe = self._log.with_suffix(".pipe")
            os.mkfifo(pipe)
            self._master = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            return str(pipe)
        self._log.touch()
        self._master = os.open(self._log, os.O_RDONLY)
        return str(self._log)

    @property
    def code(self) -> int | None:
        """How it ended, negative for a signal; None: it lives."""
        self._listen(0)
        return self._code

    @property
    def said(self) -> str:
        """All that came to the screen so far."""
        return self._said.decode(errors="replace")

    def lives_for(self, wait_s: float) -> bool:
        """Whether it has not ended after so long."""
        deadline_s = time.monotonic() + wait_s
        while self._code is None and (left_s := deadline_s - time.monotonic()) > 0:
            self._listen(left_s)
        return self.code is None

    def resize(self, rows: int, columns: int) -> None:
        """As somebody pulls at the window."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        with suppress(OSError):
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def ctrl_c(self) -> None:
        """At the keyboard, or to all of a script's job."""
        if self.screen is Screen.TERMINAL and not self._closing.is_set():
            self._note("SIGINT")
            os.write(self._master, b"\x03")
        else:
            self.send(signal.SIGINT, group=True)

    def suspend(self) -> bool:
        """Ctrl-Z; whether it is suspended then."""
        self._until_it_has_begun()
        if self.code is None and not self._closing.is_set():
            if self.screen is Screen.TERMINAL:
                os.write(self._master, b"\x1a")
            else:
                self.send(signal.SIGTSTP, group=True)
            deadline_s = time.monotonic() + SUSPENDED_WITHIN_S
            while not self.stopped and self.code is None and time.monotonic() < deadline_s:
                self._listen(LOOK_S)
        return self.stopped

    def go_on(self) -> None:
        """``fg``."""
        if self.stopped and self.code is None:
            self.stopped = False
            with suppress(BrokenPipeError):
                self._shell.send(GO_ON)

    def close(self) -> None:
        """Close the window, or the reading end of the pipe."""
        self._until_it_has_begun()
        self._note("closed")
        self.stopped = self.stopped and self.screen is not Screen.TERMINAL
        self._closing.set()
        self._reader.join()

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """A signal, to the command alone or to its whole group; nothing once it has ended."""
        self._until_it_has_begun()
        if self.code is None and self._pid is not None:
            self._note(number.name)
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self._pid, number)

    def put_away(self) -> None:
        """Let go of what the session has of it."""
        self._ended.set()
        self._reader.join()
        self._process.join()
        self._process.close()
        self._shell.close()
        if self._slave is not None:
            os.close(self._slave)

    def is_listening(self) -> bool:
        """Whether it has its own answer to a closed terminal by now, instead of the usual one."""
        self._until_it_has_begun()
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="utf-8")
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return bool(caught & 1 << signal.SIGHUP - 1)

    def _until_it_has_begun(self) -> None:
        while self._pid is None and self.code is None:
            self._listen(LOOK_S)

    def _note(self, what: str) -> None:
        if self.code is None:
            self.done_to_it.append(what)

    def _listen(self, wait_s: float) -> None:
        try:
            while self._code is None and self._shell.poll(wait_s):
                wait_s = 0
                told = self._shell.recv()
                if told == STOPPED:
                    self.stopped = True
                elif self._pid is None:
                    self._pid = told
                else:
                    self._code = told
        except (EOFError, OSError):
            # The shell itself was ended: of its job nothing more can be known.
            self._code = self._code if self._code is not None else -signal.SIGKILL

    def _read(self) -> None:
        """Read until the terminal is closed, or all is read that the command said."""
        try:
            while not self._closing.is_set():
                over = self._ended.is_set()
                if not self._read_some() and over:
                    return
        finally:
            os.close(self._master)

    def _read_some(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], LOOK_S)
        try:
            chunk = os.read(self._master, CHUNK_BYTES) if ready else b""
        except OSError:
            chunk = b""
        self._said += chunk
        if self._answer is not None and QUESTION in self._said:
            answer, self._answer = self._answer, None
            os.write(self._master, answer.encode())
        if not chunk:
            time.sleep(LOOK_S)
        return bool(chunk)
