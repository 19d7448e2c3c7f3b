"""A rehearsed AWS: moto as a server in a process of its own, and the provider that talks to it.

    python -P -m providers.rehearsal.aws_cloud --folder FOLDER

moto is imported in the server only.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.clock import Clock
from kernel.extras import is_installed, not_installed
from providers.errors import ConfigurationRejectedError
from providers.rehearsal.program import (
    IDLE_TIMEOUT_S,
    Program,
    Rehearsal,
    RehearsedCloud,
    is_alive,
    stop_rehearsal_server,
)

if TYPE_CHECKING:
    import boto3

    from providers.aws import AwsProvider
    from providers.aws.objects import S3Objects

__all__ = [
    "Rehearsal",
    "aws_rehearsal_objects",
    "aws_rehearsal_provider",
    "is_alive",
    "rehearsal_in_this_process",
    "rehearsal_of",
    "start_rehearsal_server",
    "stop_rehearsal_server",
]

PROGRAM = "providers.rehearsal.aws_cloud"
STEM = "aws-cloud"
ADDRESS_FILE = f"{STEM}.json"
LOG_FILE = f"{STEM}.log"
BUCKET = "loadmuster-rehearsal"
BUCKET_REGION = "us-east-1"
BOOT_S = 0.5
SHUTDOWN_S = 0.5


def start_rehearsal_server(
    folder: Path,
    *,
    boot_s: float = BOOT_S,
    shutdown_s: float = SHUTDOWN_S,
    idle_timeout_s: float = IDLE_TIMEOUT_S,
    owner_pid: int | None = None,
) -> Rehearsal:
    """The rehearsed AWS of a folder: the one that is running, or else a new and empty one.

    Args:
        folder: For its address and its log; made if it is missing.
        boot_s: How long a machine is pending.
        shutdown_s: How long a machine is shutting down.
        idle_timeout_s: After how long without a call it ends itself, if it is nobody's.
        owner_pid: The process that a new one belongs to, and ends with.

    Raises:
        ConfigurationRejectedError: If it cannot start.
    """
    check_installed()
    lengths_s = {"boot-s": boot_s, "shutdown-s": shutdown_s, "idle-timeout-s": idle_timeout_s}
    return _program().start(folder, lengths_s, owner_pid)


def check_installed() -> None:
    """Refuse a rehearsal that could not be started.

    Raises:
        ConfigurationRejectedError: moto is missing.
    """
    if not is_installed("moto"):
        raise ConfigurationRejectedError(
            not_installed("moto, which a rehearsal of AWS needs,", "rehearsal")
        )


def rehearsal_of(folder: Path) -> Rehearsal | None:
    """The rehearsed AWS whose address the folder has, if it still answers there."""
    return _program().running(folder)


@contextmanager
def rehearsal_in_this_process(
    *, boot_s: float = 0.0, shutdown_s: float = 0.0, visible_s: float = 0.0
) -> Iterator[Rehearsal]:
    """A rehearsed AWS in a thread, for quick tests: one at a time, for moto is one per process."""
    from providers.rehearsal.pace import Pace
    from providers.rehearsal.server import listen

    listening = listen(Pace(boot_s, shutdown_s, visible_s), on_stop=lambda: None)
    try:
        yield Rehearsal(listening.endpoint_url, os.getpid())
    finally:
        listening.close()


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

    from providers.aws.api_models import with_shared_models

    unread = (None, None, os.devnull, None)
    bare = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": unread,
            "credentials_file": unread,
        }
    )
    return boto3.Session("rehearsal", "rehearsal", botocore_session=with_shared_models(bare))


CLOUD = RehearsedCloud(
    check_installed,
    start_rehearsal_server,
    rehearsal_of,
    aws_rehearsal_provider,
    aws_rehearsal_objects,
)


def main(arguments: Sequence[str]) -> int:
    """Serve a rehearsed AWS."""
    return _program().main(arguments, _serve)


def _serve(options: argparse.Namespace, report_started: Callable[[], None]) -> int:
    from providers.rehearsal.hosts import Hosts
    from providers.rehearsal.pace import Pace
    from providers.rehearsal.server import listen
    from providers.rehearsal.serving import Need, serve_until_stopped

    hosts = Hosts(options.folder / "machines")
    pace = Pace(options.boot_s, options.shutdown_s, hosts=hosts)
    return serve_until_stopped(
        options.folder / ADDRESS_FILE,
        lambda on_stop: listen(pace, on_stop=on_stop),
        need=Need(options.idle_timeout_s, options.owner_pid),
        report_started=report_started,
        on_end=hosts.end,
    )


def _program() -> Program:
    return Program(
        PROGRAM,
        "AWS",
        STEM,
        [
            ("boot-s", BOOT_S, "that a machine is pending"),
            ("shutdown-s", SHUTDOWN_S, "that a machine is shutting down"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
