"""A rehearsed Azure as a server in a process of its own, and the provider that talks to it.

    python -P -m providers.rehearsal.azure_cloud --folder FOLDER

The server needs no SDK of Azure; only the provider imports it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
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
    from providers.azure import AzureProvider
    from providers.azure.objects import BlobObjects

__all__ = [
    "Rehearsal",
    "azure_rehearsal_objects",
    "azure_rehearsal_provider",
    "is_alive",
    "start_rehearsal_server",
    "stop_rehearsal_server",
]

PROGRAM = "providers.rehearsal.azure_cloud"
STEM = "azure-cloud"
ADDRESS_FILE = f"{STEM}.json"
LOG_FILE = f"{STEM}.log"
BOOT_S = 0.5
SHUTDOWN_S = 0.5
GROUP_S = 0.5


def start_rehearsal_server(
    folder: Path,
    *,
    boot_s: float = BOOT_S,
    shutdown_s: float = SHUTDOWN_S,
    group_s: float = GROUP_S,
    idle_timeout_s: float = IDLE_TIMEOUT_S,
    owner_pid: int | None = None,
) -> Rehearsal:
    """The rehearsed Azure of a folder: the one that is running, or else a new and empty one.

    Args:
        folder: For its address and its log; made if it is missing.
        boot_s: How long a machine is being created.
        shutdown_s: How long a machine takes to go.
        group_s: How long an empty resource group takes to go.
        idle_timeout_s: After how long without a call it ends itself, if it is nobody's.
        owner_pid: The process that a new one belongs to, and ends with.

    Raises:
        ConfigurationRejectedError: If it cannot start.
    """
    check_installed()
    return _program().start(
        folder,
        {
            "boot-s": boot_s,
            "shutdown-s": shutdown_s,
            "group-s": group_s,
            "idle-timeout-s": idle_timeout_s,
        },
        owner_pid,
    )


def rehearsal_of(folder: Path) -> Rehearsal | None:
    """The rehearsed Azure whose address the folder has, if it still answers there."""
    return _program().running(folder)


def check_installed() -> None:
    """Refuse a rehearsal whose provider could not be loaded.

    Raises:
        ConfigurationRejectedError: Azure's SDK is missing.
    """
    if not is_installed("azure.mgmt.compute"):
        raise ConfigurationRejectedError(
            not_installed("the SDK of Azure, which a rehearsal needs,", "azure")
        )


def azure_rehearsal_provider(endpoint_url: str, clock: Clock) -> AzureProvider:
    """The provider of Azure, talking to a rehearsal, deaf to the caller's own account."""
    from providers.rehearsal.azure_session import azure_rehearsal_provider as provider

    return provider(endpoint_url, clock)


def azure_rehearsal_objects(endpoint_url: str, clock: Clock) -> BlobObjects:
    """Containers of a rehearsal's storage account."""
    from providers.rehearsal.azure_session import azure_rehearsal_objects as objects

    return objects(endpoint_url, clock)


CLOUD = RehearsedCloud(
    check_installed,
    start_rehearsal_server,
    rehearsal_of,
    azure_rehearsal_provider,
    azure_rehearsal_objects,
)


def main(arguments: Sequence[str]) -> int:
    """Serve a rehearsed Azure."""
    return _program().main(arguments, _serve)


def _serve(options: argparse.Namespace, report_started: Callable[[], None]) -> int:
    from providers.rehearsal.azure_arm import RehearsedArm
    from providers.rehearsal.azure_server import listen
    from providers.rehearsal.azure_things import AzurePace
    from providers.rehearsal.hosts import Hosts
    from providers.rehearsal.serving import Need, serve_until_stopped

    pace = AzurePace(
        boot_s=options.boot_s,
        shutdown_s=options.shutdown_s,
        visible_s=options.boot_s / 2,
        linger_s=options.shutdown_s,
        group_s=options.group_s,
    )
    hosts = Hosts(options.folder / "machines")
    return serve_until_stopped(
        options.folder / ADDRESS_FILE,
        lambda on_stop: listen(RehearsedArm(time.time, pace, hosts), on_stop=on_stop),
        need=Need(options.idle_timeout_s, options.owner_pid),
        report_started=report_started,
        on_end=hosts.end,
    )


def _program() -> Program:
    return Program(
        PROGRAM,
        "Azure",
        STEM,
        [
            ("boot-s", BOOT_S, "that a machine is being created"),
            ("shutdown-s", SHUTDOWN_S, "that a machine takes to go"),
            ("group-s", GROUP_S, "that an empty resource group takes to go"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
