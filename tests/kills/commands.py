"""The command line in processes: as a user starts it, or forked from one that has imported it.

Most of a cold command's processor time is imports. A forked one is a process of its own all the
same, with connections of its own, and lets more kills be tried in the same time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
WARM = "tests.kills.warm"
FORKS = multiprocessing.get_context("forkserver")


class Command(Protocol):
    """A process that executes one command."""

    @property
    def code(self) -> int | None:
        """How it ended, negative for a signal; None: it lives."""
        ...

    def lives_for(self, wait_s: float) -> bool:
        """Whether it has not ended after so long."""
        ...

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing if it has ended."""
        ...


class ColdCommand:
    """The command line in a new process; its runs are charged as if their cloud were real."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.real_charges", *arguments],
                cwd=ROOT,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    @property
    def code(self) -> int | None:
        """How it ended."""
        return self._process.poll()

    def lives_for(self, wait_s: float) -> bool:
        """Wait until it ends, or so long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=max(0.0, wait_s))
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)


class WarmCommand:
    """The same ``main``, in a fork of a process that has imported it and done nothing else."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        FORKS.set_forkserver_preload([WARM])
        self._process = FORKS.Process(
            target=_execute, args=(tuple(arguments), dict(environment), str(log))
        )
        self._process.start()

    @property
    def code(self) -> int | None:
        """How it ended."""
        return self._process.exitcode

    def lives_for(self, wait_s: float) -> bool:
        """Wait until it ends, or so long."""
        self._process.join(max(0.0, wait_s))
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)


def _execute(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    from tests.kills.warm import execute

    execute(arguments, environment, log)
