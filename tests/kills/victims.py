"""A process that is to be killed, and waiting for the instant."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.kills.commands import Command
from tests.kills.plans import TO_ITS_END, Pace
from tests.patience import PATIENCE_S

LOOK_S = 0.2


@dataclass
class Victim:
    """A command and the run that it is about.

    Attributes:
        name: For people.
        command: Just started.
        log: What it says.
        is_recorded: Whether its run is on record.
        interrupted: It got Ctrl-C.
    """

    name: str
    command: Command
    log: Path
    is_recorded: Callable[[], bool]
    interrupted: bool = False
    began_s: float = field(default_factory=time.monotonic, init=False)
    _found: bool = field(init=False)
    _recorded_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._found = self.is_recorded()

    def lives_until(self, part: float, pace: Pace) -> bool:
        """Wait for a part of its life; whether it is still alive then.

        Raises:
            TimeoutError: It should have ended by itself, or come to something, long ago.
        """
        if part == TO_ITS_END:
            if self.command.lives_for(PATIENCE_S):
                raise self._stuck()
            return False
        if self._found or pace.before_record_s(part) is not None:
            due_s = self.began_s + pace.after_start_s(part)
        else:
            recorded_s = self._until_recorded_s()
            if recorded_s is None:
                return False
            due_s = recorded_s + pace.after_record_s(part)
        return self.command.lives_for(due_s - time.monotonic())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.command.send(signal.SIGINT)
        self.interrupted = True

    def kill(self) -> bool:
        """SIGKILL; whether it hit a living process."""
        self.command.send(signal.SIGKILL)
        self.command.lives_for(PATIENCE_S)
        return self.command.code == -signal.SIGKILL

    def complaints(self) -> list[str]:
        """What it says of itself that a process which nobody disturbed should not have to."""
        if self.interrupted:
            return []
        said = self.log.read_text(encoding="utf-8", errors="replace")
        code = self.command.code
        if code == 0 and "Traceback" not in said and "left alone for" not in said:
            return []
        return [f"{self.name}: ended with {code}: {' '.join(said[-500:].split())}"]

    def _until_recorded_s(self) -> float | None:
        """When its run was first seen on record; None: it ended before."""
        while self._recorded_s is None:
            if self.is_recorded():
                self._recorded_s = time.monotonic()
            elif not self.command.lives_for(LOOK_S):
                return None
            elif time.monotonic() > self.began_s + PATIENCE_S:
                raise self._stuck()
        return self._recorded_s

    def _stuck(self) -> TimeoutError:
        self.kill()
        return TimeoutError(f"{self.name} is stuck after {PATIENCE_S:.0f} s; {self.log} says why")
