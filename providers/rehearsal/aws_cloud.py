"""A rehearsed AWS: moto as a server in a process of its own, and the provider that talks to it.

    python -m providers.rehearsal.aws_cloud --folder FOLDER

A process of its own, so that killing a controller does not kill its cloud. It ends itself when
nobody has called for a while. moto is imported in the server only.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import importlib.util
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kernel.clock import Clock
from providers.background import live_in_background
from providers.errors import ConfigurationRejectedError
from providers.rehearsal.faults import ADMIN_PATH, Fault, WireRequest, fault_to_json

if TYPE_CHECKING:
    import boto3

    from providers.aws import AwsProvider
    from providers.aws.objects import S3Objects

PROGRAM = "providers.rehearsal.aws_cloud"
ADDRESS_FILE = "aws-cloud.json"
LOG_FILE = "aws-cloud.log"
BUCKET = "loadmuster-rehearsal"
BUCKET_REGION = "us-east-1"

BOOT_S = 0.5
SHUTDOWN_S = 0.5
IDLE_TIMEOUT_S = 900.0
START_TIMEOUT_S = 60.0
CALL_TIMEOUT_S = 10.0
STOP_WAIT_S = 12.0
STOP_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rehearsed AWS that is running.

    Attributes:
        endpoint_url: Where it answers as AWS does.
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


def start_rehearsal_server(
    folder: Path,
    *,
    boot_s: float = BOOT_S,
    shutdown_s: float = SHUTDOWN_S,
    idle_timeout_s: float = IDLE_TIMEOUT_S,
) -> Rehearsal:
    """The rehearsed AWS of a folder: the one that is running, or else a new and empty one.

    Args:
        folder: For its address and its log; made if it is missing.
        boot_s: How long a machine is pending.
        shutdown_s: How long a machine is shutting down.
        idle_timeout_s: After how long without a call it ends itself.

    Raises:
        ConfigurationRejectedError: If it cannot start.
    """
    if importlib.util.find_spec("moto") is None:
        raise ConfigurationRejectedError(
            "a rehearsal of AWS needs moto; install it with: pip install 'loadmuster[rehearsal]'"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "aws-cloud.lock").open("w") as lock:
        # Whoever holds it is starting a server, which takes START_TIMEOUT_S at most.
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        running = rehearsal_of(folder)
        if running is None:
            _start(folder, boot_s, shutdown_s, idle_timeout_s)
            running = rehearsal_of(folder)
    if running is None:
        raise ConfigurationRejectedError(
            f"the rehearsal of AWS did not start; {folder / LOG_FILE} says why",
            log=str(folder / LOG_FILE),
        )
    return running


def rehearsal_of(folder: Path) -> Rehearsal | None:
    """The rehearsed AWS whose address the folder has, if it still answers there."""
    try:
        address = json.loads((folder / ADDRESS_FILE).read_text())
        rehearsal = Rehearsal(address["endpoint_url"], address["pid"])
    except (OSError, ValueError, KeyError):
        return None
    return rehearsal if _pid(rehearsal.endpoint_url) == rehearsal.pid else None


def is_alive(endpoint_url: str) -> bool:
    """Whether a rehearsed AWS answers there."""
    return _pid(endpoint_url) is not None


def stop_rehearsal_server(endpoint_url: str) -> None:
    """End the rehearsed AWS that answers there, if one does; returns when it has gone."""
    pid = _pid(endpoint_url)
    if pid is None:
        return
    with suppress(OSError, http.client.HTTPException):
        _call(endpoint_url, "POST", "stop")
    deadline_s = time.monotonic() + STOP_WAIT_S
    while _is_process(pid) and time.monotonic() < deadline_s:
        time.sleep(STOP_POLL_S)


@contextmanager
def rehearsal_in_this_process(
    *, boot_s: float = 0.0, shutdown_s: float = 0.0, visible_s: float = 0.0
) -> Iterator[Rehearsal]:
    """A rehearsed AWS in a thread, for quick tests: one at a time, for moto is one per process."""
    from providers.rehearsal.pace import Pace
    from providers.rehearsal.server import endpoint_url, listen, make_gateway

    server = listen(make_gateway(Pace(boot_s, shutdown_s, visible_s), on_stop=lambda: None))
    try:
        yield Rehearsal(endpoint_url(server), os.getpid())
    finally:
        server.shutdown()
        server.server_close()


def aws_rehearsal_provider(endpoint_url: str, clock: Clock) -> AwsProvider:
    """The provider of AWS, talking to a rehearsal."""
    from providers.aws import AwsProvider

    return AwsProvider(clock, session=_session(), endpoint_url=endpoint_url)


def aws_rehearsal_objects(endpoint_url: str, clock: Clock) -> S3Objects:
    """A bucket of a rehearsal, made if it is missing."""
    from providers.aws.clients import AwsClients
    from providers.aws.objects import S3Objects

    clients = AwsClients(clock, session=_session(), endpoint_url=endpoint_url)
    # In this region, and in no other, S3 answers the owner's second creation with success.
    s3 = clients.client("s3", BUCKET_REGION)
    clients.call("CreateBucket", BUCKET_REGION, lambda: s3.create_bucket(Bucket=BUCKET))
    return S3Objects(clients, BUCKET_REGION, BUCKET)


def _session() -> boto3.Session:
    """Deaf to the caller's own credentials."""
    import boto3
    import botocore.session

    unread = (None, None, os.devnull, None)
    bare = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": unread,
            "credentials_file": unread,
        }
    )
    return boto3.Session("rehearsal", "rehearsal", botocore_session=bare)


def main(arguments: Sequence[str]) -> int:
    """Serve a rehearsed AWS."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {PROGRAM}",
        description="Serve a rehearsed AWS on a free port of this computer. Its address is written "
        f"to {ADDRESS_FILE} in the folder, its log to {LOG_FILE}.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="for its address and its log")
    parser.add_argument(
        "--background", action="store_true", help="return once it serves, and go on serving"
    )
    for name, default, meaning in (
        ("--boot-s", BOOT_S, "seconds that a machine is pending"),
        ("--shutdown-s", SHUTDOWN_S, "seconds that a machine is shutting down"),
        ("--idle-timeout-s", IDLE_TIMEOUT_S, "seconds without a call after which it ends itself"),
    ):
        parser.add_argument(
            name, type=float, default=default, metavar="S", help=f"{meaning} (default: {default})"
        )
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.background:
        return live_in_background(lambda report_started: _serve(options, report_started))
    sys.stdout.write(f"serving; {options.folder / ADDRESS_FILE} says where\n")
    sys.stdout.flush()
    return _serve(options, lambda: None)


def _serve(options: argparse.Namespace, report_started: Callable[[], None]) -> int:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(name)s %(message)s",
        filename=options.folder / LOG_FILE,
    )
    from providers.rehearsal.hosts import Hosts
    from providers.rehearsal.pace import Pace
    from providers.rehearsal.server import serve

    return serve(
        options.folder / ADDRESS_FILE,
        Pace(options.boot_s, options.shutdown_s, hosts=Hosts(options.folder / "machines")),
        idle_timeout_s=options.idle_timeout_s,
        report_started=report_started,
    )


def _start(folder: Path, boot_s: float, shutdown_s: float, idle_timeout_s: float) -> None:
    """Run the program until it serves in the background; whether it does shows at its address."""
    with (folder / LOG_FILE).open("ab") as log_file, suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - our own program, arguments passed as a list
            [
                sys.executable,
                "-m",
                PROGRAM,
                "--background",
                f"--folder={folder}",
                f"--boot-s={boot_s}",
                f"--shutdown-s={shutdown_s}",
                f"--idle-timeout-s={idle_timeout_s}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            timeout=START_TIMEOUT_S,
            # Ctrl-C is for the caller, not for a cloud that is starting.
            process_group=0,
            check=False,
        )


def _pid(endpoint_url: str) -> int | None:
    try:
        pid: int = _call(endpoint_url, "GET", "health")["pid"]
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return pid


def _is_process(pid: int) -> bool:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _call(endpoint_url: str, method: str, verb: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
    address = urlsplit(endpoint_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=CALL_TIMEOUT_S)
    try:
        connection.request(method, f"{ADMIN_PATH}{verb}", body=json.dumps(document))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
