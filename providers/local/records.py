"""What a launch leaves in a folder: the record that makes it happen once, and the logs.

    root/<run>/lock                          held while a launch or a release of the run works
    root/<run>/attempt-1-<token hash>/launch.json        written whole, before the first machine
    root/<run>/attempt-1-<token hash>/released           the machines of this launch are to end
    root/<run>/attempt-1-<token hash>/machine-0/claimed  made by one process, which is machine 0
    root/<run>/attempt-1-<token hash>/machine-0/started  its commands run, or have run
    root/<run>/attempt-1-<token hash>/machine-0/*.log    what the machine and its commands print

No file is needed to find a machine: the processes tell. The files decide only what may start.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct, json

from kernel.files import write_whole
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError, UnknownOutcomeError
from providers.local.identity import Identity

LOCK_WAIT_S = 30.0
LOCK_POLL_S = 0.05
TOKEN_DIGITS = 8
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class _Launch(Struct, frozen=True):
    """What ``launch.json`` holds; for each machine the commands that it executes."""

    run: str
    attempt: int
    token: str
    region: str
    owner: str
    count: int
    min_count: int
    created_at: datetime
    launched_at: datetime
    expires_at: datetime
    commands: tuple[tuple[tuple[str, ...], ...], ...]


class LaunchRecord(Struct, frozen=True):
    """A launch as it was first asked for; asking again changes nothing in it."""

    folder: Path
    machines: tuple[Identity, ...]
    min_count: int


def run_folder(root: Path, run_id: str) -> Path:
    """The folder of a run.

    Raises:
        ConfigurationRejectedError: If the id cannot name a folder.
    """
    if not RUN_NAME.fullmatch(run_id):
        raise ConfigurationRejectedError(
            f"{run_id!r} cannot name a run on this computer; use letters, digits, '.', '_', '-'",
            run=run_id,
        )
    return root / run_id


def launch_folder(root: Path, spec: LaunchSpec) -> Path:
    """The folder of one launch; the same token always has the same."""
    digest = hashlib.sha256(spec.token.encode()).hexdigest()[:TOKEN_DIGITS]
    return run_folder(root, spec.run_id) / f"attempt-{spec.attempt}-{digest}"


def launch_folders(root: Path, run_id: str) -> list[Path]:
    """The folders of all launches of a run."""
    return sorted(run_folder(root, run_id).glob("attempt-*"))


@contextmanager
def run_lock(root: Path, run_id: str) -> Iterator[None]:
    """Keep other launches and releases of the run out; a killed holder lets go by dying.

    Raises:
        UnknownOutcomeError: If another process holds it for longer than ``LOCK_WAIT_S``.
    """
    folder = run_folder(root, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    deadline_s = time.monotonic() + LOCK_WAIT_S
    with (folder / "lock").open("w") as lock:
        while not _try_lock(lock.fileno()):
            if time.monotonic() >= deadline_s:
                raise UnknownOutcomeError(
                    f"run {run_id}: another process has been launching or releasing it for "
                    f"{LOCK_WAIT_S:.0f} s; ask again",
                    run=run_id,
                )
            time.sleep(LOCK_POLL_S)
        yield


def read_or_write_record(root: Path, spec: LaunchSpec, *, now: datetime) -> LaunchRecord:
    """The record of this token's launch; written, whole, if it is the first time."""
    folder = launch_folder(root, spec)
    path = folder / "launch.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.format(json.encode(_launch_of(spec, now)), indent=2))
    launch = json.decode(path.read_bytes(), type=_Launch)
    return LaunchRecord(folder, _machines(folder, launch), launch.min_count)


def read_commands(machine_folder: Path, index: int) -> Sequence[Sequence[str]]:
    """What machine ``index`` of a launch is to execute, side by side."""
    launch = json.decode((machine_folder.parent / "launch.json").read_bytes(), type=_Launch)
    return launch.commands[index]


def claim(machine_folder: Path) -> bool:
    """Take this place in the launch; False if a machine has taken it before."""
    try:
        os.close(os.open(machine_folder / "claimed", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    return True


def mark_started(machine_folder: Path) -> None:
    """The commands of this place run."""
    (machine_folder / "started").touch()


def is_started(machine_folder: Path) -> bool:
    """Whether the commands of this place run, or have run."""
    return (machine_folder / "started").exists()


def mark_released(folder: Path) -> None:
    """From now on no machine of this launch may start."""
    (folder / "released").touch()


def is_released(folder: Path) -> bool:
    """Whether the machines of this launch are to end."""
    return (folder / "released").exists()


def _try_lock(file_number: int) -> bool:
    try:
        fcntl.flock(file_number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _launch_of(spec: LaunchSpec, now: datetime) -> _Launch:
    return _Launch(
        run=spec.run_id,
        attempt=spec.attempt,
        token=spec.token,
        region=spec.region,
        owner=spec.owner,
        count=spec.count,
        min_count=spec.min_count,
        created_at=spec.created_at,
        launched_at=now,
        expires_at=spec.expires_at,
        commands=tuple(
            tuple(tuple(argument) for argument in commands)
            for commands in spec.commands[: spec.count]
        ),
    )


def _machines(folder: Path, launch: _Launch) -> tuple[Identity, ...]:
    return tuple(
        Identity(
            run_id=launch.run,
            attempt=launch.attempt,
            owner=launch.owner,
            region=launch.region,
            created_at=launch.created_at,
            launched_at=launch.launched_at,
            expires_at=launch.expires_at,
            index=index,
            folder=folder / f"machine-{index}",
        )
        for index in range(launch.count)
    )
