"""The processes of this computer that are machines, or parts of one: find them, end them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from providers.local.identity import MARK, PROGRAM, Identity, from_arguments, from_mark

POLL_S = 0.05
KILL_S = 2.0
MARK_BYTES = f"{MARK}=".encode()


def processes_by_machine(root: Path) -> dict[Identity, list[psutil.Process]]:
    """Every live process that belongs to a machine under ``root``, by machine.

    A machine is there as long as one of its processes is, be it the last stray child of a
    supervisor that was killed. Zombies have ended and do not count.
    """
    found: dict[Identity, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        identity = _identity(process)
        if identity is not None and identity.folder.is_relative_to(root):
            found.setdefault(identity, []).append(process)
    return found


def processes_of(identity: Identity) -> list[psutil.Process]:
    """The live processes of one machine, the calling process left out."""
    found = processes_by_machine(identity.folder).get(identity, [])
    return [process for process in found if process.pid != os.getpid()]


def end(find: Callable[[], Iterable[psutil.Process]], *, grace_s: float) -> bool:
    """Ask the processes to end, and kill those that have not after ``grace_s`` seconds.

    Looks again before each step, so that what was forked meanwhile ends too.

    Args:
        find: Tells which processes are left.
        grace_s: How long they may tidy up.

    Returns:
        Whether all are gone.
    """
    _send(find(), signal.SIGTERM)
    if _wait_until_gone(find, duration_s=grace_s):
        return True
    deadline_s = time.monotonic() + KILL_S
    while time.monotonic() < deadline_s:
        _send(find(), signal.SIGKILL)
        if _wait_until_gone(find, duration_s=POLL_S):
            return True
    return False


def _identity(process: psutil.Process) -> Identity | None:
    """Which machine a process belongs to; most belong to none, so the first look is cheap."""
    try:
        mark = _mark(process)
        if mark is None or process.status() == psutil.STATUS_ZOMBIE:
            return None
        arguments = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        # Gone meanwhile, or another user's: neither is a machine of ours.
        return None
    return from_arguments(arguments) if PROGRAM in arguments else from_mark(mark)


def _mark(process: psutil.Process) -> str | None:
    """What a process has inherited from its machine."""
    # A run is watched several times a second while it measures, and psutil's own way to read an
    # environment takes five times as long as a look at the file.
    environment = Path(f"/proc/{process.pid}/environ")
    if psutil.LINUX and MARK_BYTES not in environment.read_bytes():
        return None
    return process.environ().get(MARK)


def _wait_until_gone(find: Callable[[], Iterable[psutil.Process]], *, duration_s: float) -> bool:
    deadline_s = time.monotonic() + duration_s
    while any(True for _ in find()):
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(POLL_S)
    return True


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal whole groups where a group is ours, and each process that is in none."""
    processes = tuple(processes)
    groups = {process.pid: _group(process) for process in processes}
    ours = {group for pid, group in groups.items() if group == pid and group != os.getpgrp()}
    for group in ours:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    for process in processes:
        if groups[process.pid] not in ours:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(number)


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None
