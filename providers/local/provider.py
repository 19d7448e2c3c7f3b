"""LocalProvider: the contract of machines, kept by processes of this computer."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from kernel.child_environment import child_environment, proxies
from kernel.clock import Clock
from kernel.disk import free_space
from kernel.python_programs import injector_interpreter, python_program
from kernel.words import counted
from providers.contract import LaunchSpec, Machine, MachineState
from providers.errors import (
    CapacityUnavailableError,
    ConfigurationRejectedError,
    UnknownOutcomeError,
)
from providers.local.identity import MARK, PROGRAM, Identity, to_arguments, to_mark
from providers.local.processes import POLL_S, end, processes_by_machine
from providers.local.records import (
    LaunchRecord,
    is_released,
    is_started,
    launch_folder,
    launch_folders,
    mark_released,
    read_or_write_record,
    run_folder,
    run_lock,
)

START_WAIT_S = 60.0
# Longer than a machine gives its own commands, so that it can tidy up before it is killed.
RELEASE_GRACE_S = 7.0


class LocalProvider:
    """Machines of this computer.

    Args:
        root: Folder for launch records and logs. Machines are told apart by it: a provider sees
            those of its own root only.
        clock: Against which ``expires_at`` is measured.
        release_grace_s: How long a release waits before it kills.
    """

    def __init__(
        self, root: Path, clock: Clock, *, release_grace_s: float = RELEASE_GRACE_S
    ) -> None:
        self._root = root.resolve()
        self._clock = clock
        self._release_grace_s = release_grace_s

    @property
    def name(self) -> str:
        """``local``."""
        return "local"

    def check(self, spec: LaunchSpec) -> None:
        """See that there is something to execute, that it exists, and time to do it in."""
        run_folder(self._root, spec.run_id)
        if len(spec.commands) < spec.count:
            raise ConfigurationRejectedError(
                f"run {spec.run_id}: commands are given for {len(spec.commands)} of "
                f"{counted(spec.count, 'machine')}",
                wanted=spec.count,
                given=len(spec.commands),
            )
        for program in {command[0] for commands in spec.commands for command in commands}:
            if shutil.which(program) is None:
                raise ConfigurationRejectedError(
                    f"{program} is not a program on this computer; install it or give its path",
                    program=program,
                )
        if spec.expires_at <= self._clock.now():
            raise ConfigurationRejectedError(
                f"run {spec.run_id}: machines would have had to end at {spec.expires_at}",
                expires_at=spec.expires_at.isoformat(),
            )

    def launch(self, spec: LaunchSpec) -> tuple[Machine, ...]:
        """Start the machines; each place in the launch is taken by one process, once, for ever.

        Asked again, it starts what a killed launcher had not yet started, and nothing else.
        """
        with run_lock(self._root, spec.run_id):
            if is_released(launch_folder(self._root, spec)):
                raise ConfigurationRejectedError(
                    f"run {spec.run_id}: the machines of attempt {spec.attempt} were released; "
                    "a new attempt needs a new token",
                    run=spec.run_id,
                    attempt=spec.attempt,
                )
            self.check(spec)
            record = self._record(spec)
            self._start([one for one in record.machines if not is_started(one.folder)])
            started = [one for one in record.machines if _has_started(one)]
            self._count(record, len(started))
            return _describe(record, started)

    def observe(self, run_id: str, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The run's machines; this computer is every region."""
        return tuple(one for one in self.observe_all(regions) if one.run_id == run_id)

    def observe_all(self, regions: Sequence[str]) -> tuple[Machine, ...]:
        """The machines of all runs under this root."""
        del regions
        found = sorted(
            processes_by_machine(self._root), key=lambda one: (one.run_id, one.attempt, one.index)
        )
        return tuple(identity.machine(_state(identity)) for identity in found)

    def release(self, run_id: str, regions: Sequence[str]) -> None:
        """End the machines and all that they started: asked first, killed after a grace."""
        del regions
        if not run_folder(self._root, run_id).exists():
            return
        with run_lock(self._root, run_id):
            for folder in launch_folders(self._root, run_id):
                # Where a disk is full no machine could start any more, and these must end.
                with suppress(OSError):
                    mark_released(folder)
            end(_processes_under(run_folder(self._root, run_id)), grace_s=self._release_grace_s)

    def _record(self, spec: LaunchSpec) -> LaunchRecord:
        try:
            return read_or_write_record(self._root, spec, now=self._clock.now())
        except OSError as error:
            folder = launch_folder(self._root, spec)
            raise CapacityUnavailableError(
                f"run {spec.run_id}: {folder}: the launch cannot be put on record: "
                f"{error.strerror}{free_space(folder, error)}",
                wanted=spec.count,
            ) from error

    def _start(self, identities: Sequence[Identity]) -> None:
        """Start a process for each place, all at once; those that cannot be started are left."""
        with ExitStack() as open_files:
            starters = []
            for identity in identities:
                # No process, no file, no memory: the place stays empty and is counted so.
                with suppress(OSError):
                    starters.append(self._spawn(identity, open_files))
            for starter in starters:
                try:
                    starter.wait(timeout=START_WAIT_S)
                except subprocess.TimeoutExpired:
                    starter.kill()
                    starter.wait()

    def _spawn(self, identity: Identity, open_files: ExitStack) -> subprocess.Popen[bytes]:
        identity.folder.mkdir(exist_ok=True)
        output = open_files.enter_context((identity.folder / "machine.log").open("ab"))
        lifetime_s = (identity.expires_at - self._clock.now()).total_seconds()
        return subprocess.Popen(  # noqa: S603 - our own program, arguments passed as a list
            python_program(PROGRAM, *to_arguments(identity), f"--lifetime-s={lifetime_s:.3f}"),
            cwd=identity.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the caller, who decides what becomes of a machine that is starting.
            process_group=0,
            env={
                **child_environment(os.environ),
                **proxies(os.environ),
                **injector_interpreter(),
                MARK: to_mark(identity),
            },
        )

    def _count(self, record: LaunchRecord, started: int) -> None:
        """Refuse a launch with too few machines, and leave none of it."""
        if started >= record.min_count:
            return
        mark_released(record.folder)
        run_id = record.machines[0].run_id
        if not end(_processes_under(record.folder), grace_s=self._release_grace_s):
            raise UnknownOutcomeError(
                f"run {run_id}: {started} of {record.min_count} machines started and could not be "
                "ended; release the run",
                run=run_id,
            )
        raise CapacityUnavailableError(
            f"run {run_id}: this computer started {counted(started, 'machine')} of at least "
            f"{record.min_count}; see machine.log in {record.folder}",
            started=started,
            wanted=record.min_count,
        )


def _has_started(identity: Identity) -> bool:
    """Whether the machine of a place has started; one that is about to is waited for.

    The process that took the place may be the child of another launcher, which was killed.
    """
    deadline_s = time.monotonic() + START_WAIT_S
    while not is_started(identity.folder):
        is_starting = identity in processes_by_machine(identity.folder)
        if not is_starting or time.monotonic() >= deadline_s:
            return is_started(identity.folder)
        time.sleep(POLL_S)
    return True


def _describe(record: LaunchRecord, started: Sequence[Identity]) -> tuple[Machine, ...]:
    """The machines of the launch; one that has ended meanwhile is shown as stopping."""
    alive = processes_by_machine(record.folder)
    return tuple(
        one.machine(MachineState.RUNNING if one in alive else MachineState.STOPPING)
        for one in started
    )


def _processes_under(folder: Path) -> Callable[[], list[psutil.Process]]:
    return lambda: [process for found in processes_by_machine(folder).values() for process in found]


def _state(identity: Identity) -> MachineState:
    released = is_released(identity.folder.parent)
    return MachineState.STOPPING if released else MachineState.RUNNING
