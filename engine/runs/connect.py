"""Connects a run to its cloud: this machine, or a rehearsed one; real clouds in their adapters.

The rehearsal's cloud is a process of its own that outlives the controller, as a real cloud would.
Its address is on record with the run, so that the controller that takes over finds it. If that
process is gone, all its machines are gone with it, and an empty one takes its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.load.driver import LoadDriver
from engine.load.locust import LocustDriver, check_installed
from engine.load.locust import check_runnable as check_load
from engine.load.rehearsed import RehearsedLoad
from engine.load.sliced.driver import SlicedDriver
from engine.runs.alternatives import LOCAL
from engine.runs.clouds import Cloud
from engine.runs.states import Limits, Run
from engine.runs.store import RunStore
from engine.scenario import Scenario
from kernel.clock import Clock
from kernel.errors import BadInputError

if TYPE_CHECKING:
    from providers.contract import Provider
    from providers.objects import ObjectStore
    from providers.rehearsal.program import Rehearsal

AWS = "aws"
AZURE = "azure"
LOCAL_LIMITS = Limits(
    launch_s=60.0,
    start_s=90.0,
    overrun_s=60.0,
    release_s=60.0,
    stop_s=10.0,
    visibility_s=1.0,
    expiry_margin_s=60.0,
    poll_s=0.25,
    blind_looks_max=6,
)
REHEARSAL_LIMITS = Limits(
    launch_s=120.0,
    start_s=60.0,
    overrun_s=60.0,
    release_s=120.0,
    stop_s=10.0,
    visibility_s=1.0,
    expiry_margin_s=60.0,
    poll_s=0.25,
    blind_looks_max=6,
)


@dataclass(frozen=True, slots=True)
class Clouds:
    """Opens clouds for runs whose folders lie under ``folder``.

    Attributes:
        folder: Also holds what marks this installation's machines as its own.
        clock: The clock that the runs live by.
    """

    folder: Path
    clock: Clock

    def open(self, run: Run, store: RunStore) -> Cloud:
        """The cloud of a run, begun here or by another process."""
        if run.order.rehearsal:
            return self._rehearsal(run, store)
        if run.order.provider == LOCAL:
            return self.local()
        raise not_offered(run.order.provider)

    def local(self) -> Cloud:
        """This machine: every injector a process, with real load."""
        from providers.local import LocalProvider

        return Cloud(
            LocalProvider(self.folder / "machines", self.clock), LocustDriver(), LOCAL_LIMITS
        )

    def _rehearsal(self, run: Run, store: RunStore) -> Cloud:
        from providers.rehearsal.program import is_alive

        begin, connect = _rehearsed(run.order.provider)
        endpoint = run.endpoint
        if endpoint is None or not is_alive(endpoint):
            endpoint = begin(self.folder / run.id).endpoint_url
            store.set_endpoint(run.id, endpoint)
        driver: LoadDriver = RehearsedLoad()
        if run.order.puts_load:
            driver = SlicedDriver(_rehearsed_objects(endpoint, self.clock))
        return Cloud(connect(endpoint, self.clock), driver, REHEARSAL_LIMITS)

    def close(self, run: Run) -> None:
        """Put a rehearsal's cloud away once its run has ended."""
        if run.order.rehearsal and run.ended and run.endpoint is not None:
            from providers.rehearsal.program import stop_rehearsal_server

            stop_rehearsal_server(run.endpoint)


def _rehearsed(
    provider: str,
) -> tuple[Callable[[Path], Rehearsal], Callable[[str, Clock], Provider]]:
    """What starts the rehearsal of a cloud in a folder, and what connects to it."""
    if provider == AZURE:
        from providers.rehearsal import azure_cloud

        return azure_cloud.start_rehearsal_server, azure_cloud.azure_rehearsal_provider
    from providers.rehearsal import aws_cloud

    return aws_cloud.start_rehearsal_server, aws_cloud.aws_rehearsal_provider


def _rehearsed_objects(endpoint: str, clock: Clock) -> ObjectStore:
    from providers.rehearsal import aws_cloud

    return aws_cloud.aws_rehearsal_objects(endpoint, clock)


def check_runnable(scenario: Scenario, provider: str, *, rehearsal: bool, puts_load: bool) -> None:
    """Refuse what cannot run, before anything is put on record.

    Raises:
        BadInputError: The provider is unknown or cannot run this, or the load engine is missing.
    """
    if provider == LOCAL and rehearsal:
        raise BadInputError(
            "--dry-run rehearses a cloud; on this machine a run is real: drop --dry-run",
            provider=provider,
        )
    if (provider, rehearsal) not in {(LOCAL, False), (AWS, True), (AZURE, True)}:
        raise not_offered(provider)
    if puts_load:
        check_load(scenario)
        check_installed()
    if puts_load and rehearsal:
        if provider == AZURE:
            raise BadInputError("--with-load: rehearsed on aws so far; use --provider aws")
        _check_on_this_computer(scenario)


def _check_on_this_computer(scenario: Scenario) -> None:
    """Rehearsed machines are this computer, so what they load must be this computer too."""
    host = urlsplit(scenario.target or "").hostname or ""
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise BadInputError(
            f"target: {host!r} is not this computer; a dry run with load may only load a target on "
            "loopback, such as http://127.0.0.1:8080",
            target=host,
        )


def check_folder(folder: Path) -> None:
    """Refuse a run whose files could not be written; makes the folder if it is missing.

    Raises:
        BadInputError: The folder cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise BadInputError(
            f"runs keep their files in {folder}, which cannot be written: {reason}; make it "
            "writable, or name a database beside which there is room",
            folder=str(folder),
        )


def not_offered(provider: str) -> BadInputError:
    """The error for a provider that cannot run load yet."""
    return BadInputError(
        f"runs on {provider!r} are not offered: use --provider local for real load on this "
        "machine, or --provider aws or azure with --dry-run to rehearse on a simulated cloud",
        provider=provider,
    )
