"""The program that is a machine: it runs its commands side by side and ends with them.

    python -P -m providers.local.machine --run=... --folder=... --lifetime-s=600

It leaves the process that launched it (own session, own process group), so that it survives the
launcher's death, and is its own dead man: it ends itself, and all it has started, when its
lifetime is over, when it is told to (SIGTERM), or when its last command has ended.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import IO

from kernel.parent_death import told_at_death_of_parent
from providers.background import EXIT_NOT_STARTED, live_in_background
from providers.local.identity import PROGRAM, Identity, from_arguments, option_values
from providers.local.processes import end, processes_of
from providers.local.records import claim, is_released, mark_started, read_commands

GRACE_S = 5.0
POLL_S = 0.1
EXIT_USAGE = 2

log = logging.getLogger(PROGRAM)


def main(arguments: Sequence[str]) -> int:
    """Start the machine in the background; the exit status tells whether it did start."""
    identity = from_arguments(arguments)
    lifetime_s = option_values(arguments).get("lifetime-s")
    if identity is None or lifetime_s is None:
        sys.stderr.write(__doc__ or "")
        return EXIT_USAGE
    return live_in_background(partial(_live, identity, float(lifetime_s)))


def _live(identity: Identity, lifetime_s: float, report_started: Callable[[], None]) -> int:
    """The machine's whole life."""
    deadline_s = time.monotonic() + lifetime_s
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    told_to_end: list[int] = []
    for told in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(told, partial(_note, told_to_end))
    # The claim comes before the look at the release: a release that came first is seen here, one
    # that comes later finds this process by its command line.
    if not claim(identity.folder) or is_released(identity.folder.parent):
        return EXIT_NOT_STARTED
    commands: list[subprocess.Popen[bytes]] = []
    with ExitStack() as logs:
        try:
            for number, command in enumerate(read_commands(identity.folder, identity.index)):
                log_file = identity.folder / f"command-{number}.log"
                commands.append(_start(command, logs.enter_context(log_file.open("ab"))))
            mark_started(identity.folder)
            report_started()
            log.info("ending: %s", _wait(commands, told_to_end, deadline_s))
        except OSError as error:
            log.info("ending: cannot start: %s", error)
        finally:
            gone = end(partial(processes_of, identity), grace_s=GRACE_S)
            log.info("ended" if gone else "ended, but processes are left")
            log.info("exit codes: %s", [command.poll() for command in commands])
    return 0


def _note(told_to_end: list[int], number: int, _frame: FrameType | None) -> None:
    told_to_end.append(number)


def _start(command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command in this process group."""
    log.info("command: %s", command)
    return subprocess.Popen(  # noqa: S603 - executing the run's commands is this program's purpose
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # Should this process be killed, nobody would end them. There is one thread.
        preexec_fn=told_at_death_of_parent(),  # noqa: PLW1509
    )


def _wait(
    commands: Sequence[subprocess.Popen[bytes]], told_to_end: Sequence[int], deadline_s: float
) -> str:
    """Return why the machine ends, once it must."""
    while time.monotonic() < deadline_s:
        if told_to_end:
            return f"told to ({signal.Signals(told_to_end[0]).name})"
        if all(command.poll() is not None for command in commands):
            return "all commands have ended"
        time.sleep(POLL_S)
    return "lifetime over"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
