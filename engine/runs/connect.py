"""Connects a run to its cloud: this machine, or a rehearsal of AWS; real clouds in their adapters.

The rehearsal's cloud is a process of its own that outlives the controller, as a real cloud would.
Its address is on record with the run, so that the controller that takes over finds it. If that
process is gone, all its machines are gone with it, and an empty one takes its place. Each run has a
rehearsal of its own, below its folder, unless one that many share was named.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.load.driver import LoadDriver
from engine.load.locust import LocustDriver, check_installed
from engine.load.locust import check_runnable as check_load
from engine.load.rehearsed import RehearsedLoad
from engine.load.sliced.driver import SlicedDriver
from engine.runs.acceptance import LOCAL
from engine.runs.clouds import Cloud
from engine.runs.errors import MachinesElsewhereError
from engine.runs.reaping import Place
from engine.runs.states import Limits, Run
from engine.runs.store import RunStore
from engine.scenario import Scenario
from kernel.clock import Clock
from kernel.errors import BadInputError
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from providers.contract import Provider

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
        rehearsal_url: A rehearsed AWS that runs share; None: each has its own.
    """

    folder: Path
    clock: Clock
    rehearsal_url: str | None = None
    _rehearsed: dict[str, Provider] = field(default_factory=dict, init=False)
    _connecting: threading.Lock = field(default_factory=threading.Lock, init=False)

    def open(self, run: Run, store: RunStore) -> Cloud:
        """The cloud of a run, begun here or by another process.

        Raises:
            MachinesElsewhereError: Its machines are processes of another computer.
            ProviderFailedError: The rehearsal of its cloud cannot be reached.
        """
        if run.order.rehearsal:
            return self._rehearsal(run, store)
        if run.order.provider == LOCAL:
            self._bind(run, store)
            return self.local()
        raise not_offered(run.order.provider)

    def _bind(self, run: Run, store: RunStore) -> None:
        """Keep a local run on the computer where its machines are.

        Elsewhere they cannot be seen, and would be taken for gone. Before the intent to launch
        there are none, and after their expiry they have ended themselves.
        """
        here = socket.gethostname()
        if run.endpoint == here:
            return
        if run.endpoint is not None and run.intent_at is not None:
            expiry = LOCAL_LIMITS.expires_at(run.order, run.intent_at)
            if self.clock.now() <= expiry + timedelta(seconds=LOCAL_LIMITS.expiry_margin_s):
                raise MachinesElsewhereError(
                    f"run {run.id}: its machines are on {run.endpoint}, and this is {here}; "
                    "`loadmuster serve` there goes on with it",
                    run=run.id,
                    host=run.endpoint,
                )
        store.set_endpoint(run.id, here)

    def local(self) -> Cloud:
        """This machine: every injector a process, with real load."""
        from providers.local import LocalProvider

        return Cloud(
            LocalProvider(self.folder / "machines", self.clock), LocustDriver(), LOCAL_LIMITS
        )

    def _rehearsal(self, run: Run, store: RunStore) -> Cloud:
        from providers.rehearsal import aws_cloud

        endpoint = run.endpoint
        if endpoint is None or not aws_cloud.is_alive(endpoint):
            endpoint = self._rehearsal_url_for(run)
            store.set_endpoint(run.id, endpoint)
        driver: LoadDriver = RehearsedLoad()
        if run.order.puts_load:
            driver = SlicedDriver(aws_cloud.aws_rehearsal_objects(endpoint, self.clock))
        return Cloud(self.rehearsed(endpoint), driver, REHEARSAL_LIMITS)

    def rehearsed(self, endpoint: str) -> Provider:
        """The provider of a rehearsed AWS; runs on the same one share its connections."""
        from providers.rehearsal import aws_cloud

        with self._connecting:
            if endpoint not in self._rehearsed:
                self._rehearsed[endpoint] = aws_cloud.aws_rehearsal_provider(endpoint, self.clock)
            return self._rehearsed[endpoint]

    def provider_at(self, place: Place) -> Provider:
        """Who shows and ends the machines of a place, of whichever run.

        Raises:
            BadInputError: Machines there cannot be looked at.
            ConfigurationRejectedError: What it takes is not installed.
        """
        if place.endpoint is not None:
            return self.rehearsed(place.endpoint)
        if place.name == LOCAL:
            return self.local().provider
        if place.name != "aws":
            raise BadInputError(
                f"machines on {place.name!r} cannot be looked for yet; --provider local or aws can",
                provider=place.name,
            )
        try:
            from providers.aws import AwsProvider
        except ModuleNotFoundError:
            raise ConfigurationRejectedError(
                "AWS needs its SDK; install it with: pip install 'loadmuster[aws]'"
            ) from None
        return AwsProvider(self.clock)

    def is_there(self, place: Place) -> bool:
        """Whether a place can have machines at all: a rehearsed cloud that ended has none."""
        if place.endpoint is None:
            return True
        from providers.rehearsal import aws_cloud

        return aws_cloud.is_alive(place.endpoint)

    def _rehearsal_url_for(self, run: Run) -> str:
        from providers.rehearsal import aws_cloud

        if self.rehearsal_url is None:
            return aws_cloud.start_rehearsal_server(self.folder / run.id).endpoint_url
        if not aws_cloud.is_alive(self.rehearsal_url):
            raise ConfigurationRejectedError(
                f"no rehearsed AWS answers at {self.rehearsal_url}, which runs were told to share",
                endpoint=self.rehearsal_url,
            )
        return self.rehearsal_url

    def close(self, run: Run) -> None:
        """Put a rehearsal's cloud away once its run has ended; one that is shared stays."""
        if run.order.rehearsal and run.ended and run.endpoint is not None:
            from providers.rehearsal import aws_cloud

            own = aws_cloud.rehearsal_of(self.folder / run.id)
            if own is not None:
                own.stop()
                with self._connecting:
                    self._rehearsed.pop(own.endpoint_url, None)


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
    if (provider, rehearsal) not in {(LOCAL, False), ("aws", True)}:
        raise not_offered(provider)
    if puts_load:
        check_load(scenario)
        check_installed()
    if puts_load and rehearsal:
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
        "machine, or --provider aws --dry-run to rehearse on a simulated AWS",
        provider=provider,
    )
