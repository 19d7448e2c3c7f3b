"""A rehearsed cloud as a program of its own: started once for a folder, found again, ended.

A process of its own, so that killing a controller does not kill its cloud. It ends itself when
nobody has called for a while; one that belongs to a process lives as long as that process.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from kernel.clock import Clock
from kernel.python_programs import python_program
from providers.background import live_in_background
from providers.contract import Provider
from providers.errors import ConfigurationRejectedError
from providers.objects import ObjectStore
from providers.rehearsal.faults import ADMIN_PATH, Fault, WireRequest, fault_to_json

IDLE_TIMEOUT_S = 900.0
START_TIMEOUT_S = 240.0
CALL_TIMEOUT_S = 10.0
ASKS_MAX = 6
"""How often one that takes calls and does not answer is asked before it counts as gone."""

STOP_WAIT_S = 60.0
STOP_POLL_S = 0.05


class Rehearsal(Struct, frozen=True):
    """A rehearsed cloud that is running.

    Attributes:
        endpoint_url: Where it answers as the cloud does.
        pid: Its process.
    """

    endpoint_url: str
    pid: int

    def inject(self, fault: Fault) -> None:
        """From now on this goes wrong."""
        _call(self.endpoint_url, "POST", "faults", fault_to_json(fault))

    def clear(self) -> None:
        """Forget the faults that were wanted, and the calls that were recorded."""
        _call(self.endpoint_url, "DELETE", "faults")

    def requests(self, action: str | None = None) -> list[WireRequest]:
        """The calls that arrived, oldest first; of one action if it is named."""
        recorded = [WireRequest(**one) for one in _call(self.endpoint_url, "GET", "requests")]
        return [one for one in recorded if action in (None, one.action)]

    def stop(self) -> None:
        """End it, and all that it rehearsed."""
        stop_rehearsal_server(self.endpoint_url)


class RehearsedCloud(Struct, frozen=True):
    """How a rehearsed cloud is started, found and reached.

    Attributes:
        check_installed: Raises ConfigurationRejectedError where something to start it is missing.
        start: The rehearsal of a folder: the one that is running, or else a new one.
        running: The one that is running there, if one is.
        provider: Its machines, at its address.
        objects: Where its injectors meet their controller.
    """

    check_installed: Callable[[], None]
    start: Callable[[Path], Rehearsal]
    running: Callable[[Path], Rehearsal | None]
    provider: Callable[[str, Clock], Provider]
    objects: Callable[[str, Clock], ObjectStore]


class Program(Struct, frozen=True):
    """The program of a rehearsed cloud.

    Attributes:
        module: Its name, as ``python -m`` takes it.
        cloud: What it plays, for people.
        stem: What its files are called, without their endings.
        paces: Option, default and meaning of each length of time that it takes.
    """

    module: str
    cloud: str
    stem: str
    paces: Sequence[tuple[str, float, str]]

    @property
    def address_file(self) -> str:
        """Says where it answers."""
        return f"{self.stem}.json"

    @property
    def log_file(self) -> str:
        """Says what it did."""
        return f"{self.stem}.log"

    def start(
        self, folder: Path, lengths_s: Mapping[str, float], owner_pid: int | None
    ) -> Rehearsal:
        """The rehearsed cloud of a folder: the one that is running, or else a new and empty one.

        Args:
            folder: For its address and its log; made if it is missing.
            lengths_s: Seconds by option.
            owner_pid: The process that a new one belongs to; None: nobody's.

        Raises:
            ConfigurationRejectedError: If it cannot start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self.stem}.lock").open("w") as lock:
            # Whoever holds it is starting a server, which takes START_TIMEOUT_S at most.
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            running = self.running(folder)
            if running is None:
                self._start(folder, lengths_s, owner_pid)
                running = self.running(folder)
        if running is None:
            raise ConfigurationRejectedError(
                f"the rehearsal of {self.cloud} did not start; {folder / self.log_file} says why",
                log=str(folder / self.log_file),
            )
        return running

    def main(
        self,
        arguments: Sequence[str],
        serve: Callable[[argparse.Namespace, Callable[[], None]], int],
    ) -> int:
        """Read the command line and serve, here or in the background."""
        options = self._parser().parse_args(arguments)
        options.folder.mkdir(parents=True, exist_ok=True)

        def serve_logged(report_started: Callable[[], None]) -> int:
            logging.basicConfig(
                level=logging.INFO,
                format="%(asctime)s %(name)s %(message)s",
                filename=options.folder / self.log_file,
            )
            return serve(options, report_started)

        if options.background:
            return live_in_background(serve_logged)
        sys.stdout.write(f"serving; {options.folder / self.address_file} says where\n")
        sys.stdout.flush()
        return serve_logged(lambda: None)

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=f"python -P -m {self.module}",
            description=f"Serve a rehearsed {self.cloud} on a free port of this computer. Its "
            f"address is written to {self.address_file} in the folder, its log to {self.log_file}.",
        )
        parser.add_argument(
            "--folder", type=Path, required=True, help="for its address and its log"
        )
        parser.add_argument(
            "--background", action="store_true", help="return once it serves, and go on serving"
        )
        parser.add_argument(
            "--owner-pid",
            type=int,
            metavar="PID",
            help="process that it belongs to: it lives as long, called or not",
        )
        idle = ("idle-timeout-s", IDLE_TIMEOUT_S, "without a call after which it ends itself")
        for name, default, meaning in (*self.paces, idle):
            parser.add_argument(
                f"--{name}",
                type=float,
                default=default,
                metavar="S",
                help=f"seconds {meaning} (default: {default})",
            )
        return parser

    def _start(self, folder: Path, lengths_s: Mapping[str, float], owner_pid: int | None) -> None:
        """Run the program until it serves in the background; its address shows whether it does."""
        options = [f"--{name}={length_s}" for name, length_s in lengths_s.items()]
        if owner_pid is not None:
            options.append(f"--owner-pid={owner_pid}")
        command = python_program(self.module, "--background", f"--folder={folder}", *options)
        log_path = folder / self.log_file
        with log_path.open("ab") as log, suppress(subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - our own program, arguments passed as a list
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT_S,
                # Ctrl-C is for the caller, not for a cloud that is starting.
                process_group=0,
                check=False,
            )

    def running(self, folder: Path) -> Rehearsal | None:
        """The rehearsal whose address the folder has, if it still answers there."""
        try:
            address = json.loads((folder / self.address_file).read_text())
            rehearsal = Rehearsal(address["endpoint_url"], address["pid"])
        except (OSError, ValueError, KeyError):
            return None
        return rehearsal if _pid(rehearsal.endpoint_url) == rehearsal.pid else None


def is_alive(endpoint_url: str) -> bool:
    """Whether a rehearsed cloud answers there."""
    return _pid(endpoint_url) is not None


def stop_rehearsal_server(endpoint_url: str) -> None:
    """End the rehearsed cloud that answers there, if one does; returns when it has gone."""
    pid = _pid(endpoint_url)
    if pid is None:
        return
    from providers.rehearsal.serving import is_process

    with suppress(OSError, http.client.HTTPException):
        _call(endpoint_url, "POST", "stop")
    deadline_s = time.monotonic() + STOP_WAIT_S
    while is_process(pid) and time.monotonic() < deadline_s:
        time.sleep(STOP_POLL_S)


def _pid(endpoint_url: str) -> int | None:
    """The process that answers there; None: none does.

    One that is slow to answer is busy: taken for gone, it would be replaced by an empty one, and
    its machines would be forgotten.
    """
    for _ in range(ASKS_MAX):
        try:
            pid: int = _call(endpoint_url, "GET", "health")["pid"]
        except TimeoutError:
            continue
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return pid
    return None


def _call(endpoint_url: str, method: str, verb: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
    address = urlsplit(endpoint_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=CALL_TIMEOUT_S)
    try:
        connection.request(method, f"{ADMIN_PATH}{verb}", body=json.dumps(document))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
