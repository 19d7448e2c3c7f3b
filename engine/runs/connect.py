"""Connects a run to its cloud: this machine, the user's own AWS, or a rehearsed cloud.

The rehearsal's cloud is a process of its own that outlives the controller, as a real cloud would.
Its address is on record with the run, so that the controller that takes over finds it. If that
process is gone, all its machines are gone with it, and an empty one takes its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.load.driver import LoadDriver
from engine.load.locust import LocustDriver, check_installed
from engine.load.locust import check_runnable as check_load
from engine.load.rehearsed import RehearsedLoad
from engine.load.sliced.driver import SlicedDriver
from engine.runs.alternatives import LOCAL
from engine.runs.aws import AWS, BUCKET_SCHEME, AwsRuns
from engine.runs.clouds import Cloud
from engine.runs.states import Limits, Placement, Run
from engine.runs.store import RunStore
from engine.runs.targets import host_of, is_this_computer
from engine.scenario import Scenario
from kernel.clock import Clock
from kernel.errors import BadInputError
from providers.settings import AwsSettings

if TYPE_CHECKING:
    from providers.contract import Provider
    from providers.objects import ObjectStore
    from providers.rehearsal.program import Rehearsal

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


@dataclass(frozen=True)
class Clouds:
    """Opens clouds for runs whose folders lie under ``folder``.

    Attributes:
        folder: Also holds what marks this installation's machines as its own.
        clock: The clock that the runs live by.
        aws_settings: The user's, for real runs on AWS.
    """

    folder: Path
    clock: Clock
    aws_settings: AwsSettings = field(default_factory=AwsSettings)

    @cached_property
    def aws(self) -> AwsRuns:
        """The user's own AWS; one for all runs, which share its limits."""
        return AwsRuns(self.clock, self.aws_settings)

    def open(self, run: Run, store: RunStore) -> Cloud:
        """The cloud of a run, begun here or by another process."""
        if run.order.rehearsal:
            return self._rehearsal(run, store)
        if run.order.provider == LOCAL:
            return self.local()
        if run.order.provider == AWS:
            return self._aws(run, store)
        raise not_offered(run.order.provider)

    def check_settings(self, provider: str) -> None:
        """Refuse a run on a real cloud for which a setting or an installation is missing.

        Raises:
            BadInputError: The message says what to set, or to install.
        """
        if provider == AWS:
            self.aws.check_settings()

    def check(
        self, provider: str, placements: Sequence[Placement], *, owner: str, spot: bool
    ) -> None:
        """Look at a real cloud before a run is put on record; costs nothing.

        Raises:
            BadInputError: A setting is missing.
            ProviderFailedError: A run could not work, or the cloud does not answer.
        """
        if provider == AWS:
            self.aws.check(placements, owner=owner, spot=spot)

    def _aws(self, run: Run, store: RunStore) -> Cloud:
        """Whoever takes the run over looks for its injectors in the bucket that it began with."""
        endpoint = run.endpoint
        if endpoint is None:
            endpoint = f"{BUCKET_SCHEME}{self.aws.bucket()}"
            store.set_endpoint(run.id, endpoint)
        return self.aws.open(endpoint.removeprefix(BUCKET_SCHEME))

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


def check_runnable(
    scenario: Scenario, provider: str, *, rehearsal: bool, puts_load: bool, spot: bool
) -> None:
    """Refuse what cannot run, before anything is put on record.

    Raises:
        BadInputError: The provider is unknown or cannot run this, or the load engine is missing.
    """
    if provider == LOCAL and rehearsal:
        raise BadInputError(
            "--dry-run rehearses a cloud; on this machine a run is real: drop --dry-run",
            provider=provider,
        )
    if (provider, rehearsal) not in {(LOCAL, False), (AWS, False), (AWS, True), (AZURE, True)}:
        raise not_offered(provider)
    if spot and provider != AWS:
        raise BadInputError(
            f"--spot is for runs on AWS; {provider!r} has no spot machines here", provider=provider
        )
    if puts_load:
        check_load(scenario)
        check_installed()
    if puts_load and rehearsal:
        if provider == AZURE:
            raise BadInputError("--with-load: rehearsed on aws so far; use --provider aws")
        _check_on_this_computer(scenario)


def _check_on_this_computer(scenario: Scenario) -> None:
    """Rehearsed machines are this computer, so what they load must be this computer too."""
    host = host_of(scenario.target)
    if not is_this_computer(host):
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
        f"runs on {provider!r} are not offered: use --provider local for load from this machine, "
        "--provider aws, or --dry-run to rehearse on a simulated AWS or Azure",
        provider=provider,
    )
