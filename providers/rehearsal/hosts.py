"""The insides of rehearsed machines: each boots its user data, as processes of this computer.

A machine without a shell script in its user data has no insides; it only exists. One that has runs
its parts in the order of cloud-init, in a folder and a session of its own, with a ``shutdown`` and
a ``systemd-run`` that act on this machine alone, and a ``/run`` for its boot hooks. So the dead man
that the boot script arms is armed, and ends the machine, even where nobody is left to ask for it.
A machine has no identity: where a dead man would ask its cloud to delete it, it is rehearsed only
that it powers itself off.
"""

from __future__ import annotations

import email
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kernel.child_environment import child_environment
from kernel.python_programs import injector_interpreter
from providers.cloud_init import BOOT_HOOK, SHELL_SCRIPT

SCRIPT_TYPES = {BOOT_HOOK, SHELL_SCRIPT}
KILL_AFTER_S = 5.0
"""How long processes have from being told to end until they are killed."""

# What stands in for the machine's own programs. A power-off ends the machine's whole session.
_SHUTDOWN = """#!/bin/sh
[ "${1#+}" = "$1" ] || sleep $(( ${1#+} * 60 ))
: > "$LOADMUSTER_HOST/off"
kill -s TERM -- "-$(cat "$LOADMUSTER_HOST/leader")"
"""
_SYSTEMD_RUN = """#!/bin/sh
after=${1#--on-active=}
shift
( sleep "$after" && exec "$@" ) > /dev/null 2>&1 &
"""
_BOOT = """echo $$ > leader
for part in part-*; do sh "$part"; done >> console.log 2>&1
"""


@dataclass(slots=True)
class RehearsedHost:
    """One machine that is on: its session, and until when it may take to end once told."""

    folder: Path
    leader: subprocess.Popen[bytes]
    kill_at_s: float | None = None

    @property
    def powered_itself_off(self) -> bool:
        """Whether something on it shut it down."""
        return (self.folder / "off").exists()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that runs on it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.leader.pid, number)

    def is_empty(self) -> bool:
        """Whether nothing runs on it any more."""
        self.leader.poll()
        try:
            os.killpg(self.leader.pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False


@dataclass(slots=True)
class Hosts:
    """The machines of one rehearsed cloud that have insides.

    Attributes:
        folder: Each machine has a folder of its own below it.
    """

    folder: Path
    _user_data: dict[str, str] = field(default_factory=dict)
    _on: dict[str, RehearsedHost] = field(default_factory=dict)

    def define(self, machine_id: str, user_data: str) -> None:
        """Keep what the machine will boot."""
        if any(content_type == SHELL_SCRIPT for content_type, _ in parts_of(user_data)):
            self._user_data[machine_id] = user_data

    def power_on(self, machine_id: str) -> None:
        """Boot the machine, once."""
        user_data = self._user_data.pop(machine_id, None)
        if user_data is None:
            return
        folder = self.folder / machine_id
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (folder / "run").mkdir()
        for name, text in (("shutdown", _SHUTDOWN), ("systemd-run", _SYSTEMD_RUN)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        for number, (content_type, text) in enumerate(parts_of(user_data)):
            if content_type in SCRIPT_TYPES:
                own = _with_own_run(text, folder) if content_type == BOOT_HOOK else text
                (folder / f"part-{number:02}").write_text(own)
        leader = subprocess.Popen(  # noqa: S603 - running what it boots is what a machine is for
            ["/bin/sh", "-c", _BOOT],
            cwd=folder,
            env=child_environment(os.environ)
            | {
                "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
                "HOME": str(folder),
                "TMPDIR": str(folder),
                "LOADMUSTER_HOST": str(folder),
                "LOADMUSTER_MACHINE": machine_id,
                "LOADMUSTER_CORES": "1",
            }
            | injector_interpreter(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._on[machine_id] = RehearsedHost(folder, leader)

    def power_off(self, machine_id: str) -> None:
        """Tell all that runs on the machine to end."""
        self._user_data.pop(machine_id, None)
        host = self._on.get(machine_id)
        if host is not None and host.kill_at_s is None:
            host.kill_at_s = time.monotonic() + KILL_AFTER_S
            host.signal(signal.SIGTERM)

    def is_off(self, machine_id: str) -> bool:
        """Whether nothing runs on the machine; what was told to end long ago is killed."""
        host = self._on.get(machine_id)
        if host is None:
            return True
        if host.kill_at_s is not None and time.monotonic() >= host.kill_at_s:
            host.signal(signal.SIGKILL)
        if not host.is_empty():
            return False
        host.leader.wait()
        del self._on[machine_id]
        return True

    def powered_themselves_off(self) -> tuple[str, ...]:
        """Machines on which something ran ``shutdown`` and which have not been told to end."""
        return tuple(
            machine_id
            for machine_id, host in self._on.items()
            if host.kill_at_s is None and host.powered_itself_off
        )

    def end(self) -> None:
        """End every machine; returns when nothing runs any more."""
        for machine_id in tuple(self._on):
            self.power_off(machine_id)
        deadline_s = time.monotonic() + 2 * KILL_AFTER_S
        while time.monotonic() < deadline_s:
            left = [machine_id for machine_id in tuple(self._on) if not self.is_off(machine_id)]
            if not left:
                return
            time.sleep(0.05)


def _with_own_run(hook: str, folder: Path) -> str:
    """A boot hook that keeps its files in the machine's folder, not in this computer's ``/run``."""
    return hook.replace("/run/", f"{shlex.quote(str(folder / 'run'))}/")


def parts_of(user_data: str) -> list[tuple[str, str]]:
    """Content type and text of each part, as cloud-init reads them."""
    if user_data.startswith("#!"):
        return [(SHELL_SCRIPT, user_data)]
    message = email.message_from_string(user_data)
    return [
        (part.get_content_type(), str(part.get_payload()))
        for part in message.walk()
        if not part.is_multipart()
    ]
