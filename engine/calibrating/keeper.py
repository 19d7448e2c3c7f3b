"""Keeper: starts processes for another process, and ends all of them when that one has gone.

    python -P -m engine.calibrating.keeper

It makes a temporary folder and says where it is. Whoever holds its standard input asks for
processes, a JSON document a line. Once that closes, since the owner ended or was killed, all that
was started is ended, with whatever it started in turn, and the folder is removed. It lies in a
session of its own: Ctrl-C and a closed terminal are for its owner.

    {"start": ["sh", "./load.sh"], "folder": ..., "environment": {...}, "log": ...}
                                    answers {"pid": ...}, and {"status": ...} once it has ended
    {"end": true}                   ends what was started, and answers {"status": ...}
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from kernel.parent_death import take_orphans, told_at_death_of_parent

PROGRAM = "engine.calibrating.keeper"
PREFIX = "loadmuster-calibrate-"

LOOK_S = 0.1
GRACE_S = 3.0
"""How long processes have from being told to end until they are killed."""

KILL_S = 5.0
REMOVE_TRIES = 20
READ_BYTES = 1 << 20


@dataclass(slots=True)
class Keeper:
    """What was started, and by whom.

    Attributes:
        owner: The process that this one belongs to.
        started: What runs for it.
        unread: What it has asked for so far, up to the end of a line.
        told_to_end: By a signal.
    """

    owner: int
    started: subprocess.Popen[bytes] | None = None
    unread: bytes = b""
    told_to_end: list[int] = field(default_factory=list)

    def serve(self) -> None:
        """Do what is asked, until nobody is left to ask."""
        while not self.told_to_end and os.getppid() == self.owner:
            asked = self._asked()
            if asked is None:
                return
            for each in asked:
                self._do(each)
            if self.started is not None and self.started.poll() is not None:
                self._end()

    def _asked(self) -> Sequence[dict[str, Any]] | None:
        """The next requests, or none for now; None: the owner has gone."""
        readable, _, _ = select.select([0], [], [], LOOK_S)
        if not readable:
            return ()
        read = os.read(0, READ_BYTES)
        if not read:
            return None
        *whole, self.unread = (self.unread + read).split(b"\n")
        return [json.loads(line) for line in whole]

    def _do(self, asked: dict[str, Any]) -> None:
        if "end" in asked:
            self._end()
            return
        try:
            self.started = _start(asked)
            _say({"pid": self.started.pid})
        except OSError as error:
            _say({"problem": f"{error.filename or asked['start'][0]}: {error.strerror}"})

    def _end(self) -> None:
        """Leave nothing of what was started, and tell how it ended."""
        started, self.started = self.started, None
        end_all()
        if started is not None:
            _say({"status": started.wait()})


def main() -> int:
    """Keep a folder and processes for the parent of this process."""
    keeper = Keeper(os.getppid())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda told, _frame: keeper.told_to_end.append(told))
    take_orphans()
    try:
        with _folder() as folder:
            _say({"folder": str(folder)})
            try:
                keeper.serve()
            finally:
                end_all()
    except OSError as error:
        _say({"problem": f"{error.filename or tempfile.gettempdir()}: {error.strerror}"})
        return 1
    return 0


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        yield folder
    finally:
        for _ in range(REMOVE_TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(LOOK_S)


def end_all() -> None:
    """End every process below this one: told to first, killed after a grace."""
    _tell(signal.SIGTERM)
    if _are_gone(GRACE_S):
        return
    deadline_s = time.monotonic() + KILL_S
    while time.monotonic() < deadline_s:
        _tell(signal.SIGKILL)
        if _are_gone(LOOK_S):
            return


def _tell(number: signal.Signals) -> None:
    for process in _below():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.send_signal(number)


def _are_gone(wait_s: float) -> bool:
    deadline_s = time.monotonic() + wait_s
    while _below():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(LOOK_S / 4)
    return True


def _below() -> list[psutil.Process]:
    """What runs below this process; where orphans come to it, that is all that was started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _start(asked: dict[str, Any]) -> subprocess.Popen[bytes]:
    with Path(asked["log"]).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - what its owner asks for is what it is for
            asked["start"],
            cwd=asked["folder"],
            env=asked["environment"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Should this process be killed, it ends too. There is one thread.
            preexec_fn=told_at_death_of_parent(),  # noqa: PLW1509
        )


def _say(answer: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):
        os.write(1, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
