"""Kept: processes and a temporary folder that end with this process, whatever ends it.

A process of their own starts them, ``engine.calibrating.keeper``. What it reads is a pipe that only
this process holds: when this one ends, by a signal that nothing can be done about even, it ends
what it has started and removes the folder.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.calibrating.calibration import CalibrationFailedError
from engine.calibrating.keeper import GRACE_S, KILL_S, PROGRAM
from kernel.python_programs import python_program

START_S_MAX = 60.0
END_S_MAX = GRACE_S + KILL_S + 5.0
POLL_S = 0.1
ANSWER_BYTES_MAX = 65_536


@dataclass(slots=True)
class KeptWork:
    """A folder, and one process at a time in it.

    Attributes:
        folder: Gone in the end.
        keeper: Who starts and ends the process.
        unread: What the keeper has said so far, up to the end of a line.
    """

    folder: Path
    keeper: subprocess.Popen[bytes]
    unread: bytes = b""

    def start(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> int:
        """Start a process, and return its number.

        It is ended by ``end``, and at the latest when this process ends.

        Args:
            command: Program and arguments.
            folder: Where it works.
            environment: All of it; its temporary files go below the kept folder.
            log: What it says is added to this file.

        Raises:
            CalibrationFailedError: It cannot be started.
        """
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        asked = {
            "start": list(command),
            "folder": str(folder),
            "environment": {**environment, "TMPDIR": str(temporary)},
            "log": str(log),
        }
        self._ask(asked)
        pid: int = self.answer(START_S_MAX)["pid"]
        return pid

    def ended(self, within_s: float) -> int:
        """The exit status of the process, once it has ended by itself.

        Raises:
            CalibrationFailedError: It has not in time.
        """
        status: int = self.answer(within_s)["status"]
        return status

    def end(self) -> None:
        """End the process, and all that it started."""
        with suppress(CalibrationFailedError):
            self._ask({"end": True})
            self.answer(END_S_MAX)

    def _ask(self, asked: Mapping[str, Any]) -> None:
        assert self.keeper.stdin is not None
        try:
            self.keeper.stdin.write(json.dumps(asked).encode() + b"\n")
            self.keeper.stdin.flush()
        except OSError as error:
            raise CalibrationFailedError("what keeps the load engine has ended") from error

    def answer(self, within_s: float) -> dict[str, Any]:
        """The next that the keeper says.

        Raises:
            CalibrationFailedError: It says what went wrong, or nothing in time.
        """
        assert self.keeper.stdout is not None
        deadline_s = time.monotonic() + within_s
        while b"\n" not in self.unread:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise CalibrationFailedError(f"the load engine did not get on in {within_s:.0f} s")
            if select.select([self.keeper.stdout], [], [], min(left_s, POLL_S))[0]:
                said = os.read(self.keeper.stdout.fileno(), ANSWER_BYTES_MAX)
                if not said:
                    raise CalibrationFailedError("what keeps the load engine has ended")
                self.unread += said
        line, _, self.unread = self.unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "problem" in answer:
            raise CalibrationFailedError(answer["problem"])
        return answer


@contextmanager
def kept_work() -> Iterator[KeptWork]:
    """A folder and processes that are gone in the end, and as soon as this process is.

    Raises:
        CalibrationFailedError: There is no room for a folder, or no process can be started.
    """
    keeper = subprocess.Popen(  # noqa: S603 - our own program
        python_program(PROGRAM),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    work = KeptWork(Path(), keeper)
    try:
        work.folder = Path(work.answer(START_S_MAX)["folder"])
        yield work
    finally:
        _leave(work)


def _leave(work: KeptWork) -> None:
    """Let go: the keeper tidies up, and where it cannot any more, what is left of it is removed."""
    for pipe in (work.keeper.stdin, work.keeper.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()
    try:
        work.keeper.wait(END_S_MAX)
    except subprocess.TimeoutExpired:
        work.keeper.kill()
        work.keeper.wait()
    if work.folder != Path():
        shutil.rmtree(work.folder, ignore_errors=True)
