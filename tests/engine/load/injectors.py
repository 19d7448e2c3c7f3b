"""A sliced load whose machines are processes of this computer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.load.driver import LoadPhase, LoadProgress, LoadResult, LoadTask
from engine.load.sliced.driver import SlicedDriver
from kernel.clock import SystemClock
from tests.patience import PATIENCE_S, until

CLOCK = SystemClock()


@dataclass
class Injectors:
    """A sliced load whose machines are processes of this computer."""

    driver: SlicedDriver
    task: LoadTask
    cores: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def boot(self, machines: int | None = None) -> None:
        commands = self.driver.prepare(self.task).commands
        for number, command in enumerate(commands[:machines]):
            environment = {
                "LOADMUSTER_MACHINE": f"i-{number}",
                "LOADMUSTER_PYTHON": sys.executable,
                "LOADMUSTER_CORES": str(self.cores),
                **self.environment,
            }
            self.processes.append(
                subprocess.Popen(command[0], env=os.environ | environment, stdin=subprocess.DEVNULL)
            )

    def look(self) -> LoadProgress:
        return self.driver.progress(self.task, CLOCK.now())

    def until(self, happened: Callable[[LoadProgress], bool]) -> LoadProgress:
        seen = until(lambda: [now for now in [self.look()] if happened(now)], every_s=0.1)
        return seen[0]

    def until_over(self) -> tuple[LoadProgress, LoadResult | None]:
        progress = self.until(lambda now: now.phase in {LoadPhase.DONE, LoadPhase.FAILED})
        return progress, self.driver.result(self.task)

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=PATIENCE_S)
