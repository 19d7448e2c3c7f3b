"""Connects a run to its cloud: this machine, the user's own AWS, or a rehearsed cloud."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.load.driver import LoadDriver
from engine.load.locust import LocustDriver
from engine.load.sliced.driver import SlicedDriver
from engine.runs.alternatives import LOCAL
from engine.runs.aws import AWS, BUCKET_SCHEME, AwsRuns
from engine.runs.clouds import Cloud
from engine.runs.errors import MachinesElsewhereError
from engine.runs.reaping import Place
from engine.runs.rehearsals import Rehearsals
from engine.runs.runnable import not_offered
from engine.runs.states import Limits, Placement, Run
from engine.runs.store import RunStore
from kernel.clock import Clock
from kernel.errors import BadInputError
from providers.settings import AwsSettings

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


@dataclass(frozen=True)
class Clouds:
    """Opens clouds for runs whose folders lie under ``folder``.

    Attributes:
        folder: Also holds what marks this installation's machines as its own.
        clock: The clock that the runs live by.
        aws_settings: The user's, for real runs on AWS.
        rehearsal_url: A rehearsed AWS that runs share; None: each has its own.
    """

    folder: Path
    clock: Clock
    aws_settings: AwsSettings = field(default_factory=AwsSettings)
    rehearsal_url: str | None = None

    @cached_property
    def aws(self) -> AwsRuns:
        """The user's own AWS; one for all runs, which share its limits."""
        return AwsRuns(self.clock, self.aws_settings)

    @cached_property
    def rehearsals(self) -> Rehearsals:
        """Rehearsed clouds; one set for all runs, which share connections."""
        return Rehearsals(self.folder, self.clock, self.rehearsal_url)

    def open(self, run: Run, store: RunStore) -> Cloud:
        """The cloud of a run, begun here or by another process.

        Raises:
            MachinesElsewhereError: Its machines are processes of another computer.
            ProviderFailedError: Its cloud cannot be reached.
        """
        if run.order.rehearsal:
            return self.rehearsals.open(run, store)
        if run.order.provider == LOCAL:
            self._bind(run, store)
            return self.local(run, store)
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

    def local(self, run: Run, store: RunStore) -> Cloud:
        """This machine: every injector a process, with real load.

        Locust spreads its users itself; any other program boots as on a cloud's machine, and meets
        this controller in a folder.
        """
        from providers.local.objects import FolderObjects

        driver: LoadDriver = LocustDriver()
        if run.order.scenario.program is not None:
            driver = SlicedDriver(FolderObjects(self.folder / "objects"), store.program_bundle)
        return Cloud(self._local_provider(), driver, LOCAL_LIMITS)

    def _local_provider(self) -> Provider:
        from providers.local import LocalProvider

        return LocalProvider(self.folder / "machines", self.clock)

    def provider_at(self, place: Place) -> Provider:
        """Who shows and ends the machines of a place, of whichever run.

        Raises:
            BadInputError: Machines there cannot be looked at, or the SDK is not installed.
        """
        if place.endpoint is not None:
            return self.rehearsals.provider(place.name, place.endpoint)
        if place.name == LOCAL:
            return self._local_provider()
        if place.name != AWS:
            raise BadInputError(
                f"machines on {place.name!r} cannot be looked for yet; --provider local or aws can",
                provider=place.name,
            )
        return self.aws.provider()

    def is_there(self, place: Place) -> bool:
        """Whether a place can have machines at all: a rehearsed cloud that ended has none."""
        return place.endpoint is None or self.rehearsals.is_alive(place.endpoint)

    def close(self, run: Run) -> None:
        """Put a rehearsal's cloud away once its run has ended."""
        self.rehearsals.close(run)

    def _aws(self, run: Run, store: RunStore) -> Cloud:
        """Whoever takes the run over looks for its injectors in the bucket that it began with."""
        endpoint = run.endpoint
        if endpoint is None:
            endpoint = f"{BUCKET_SCHEME}{self.aws.bucket()}"
            store.set_endpoint(run.id, endpoint)
        return self.aws.open(endpoint.removeprefix(BUCKET_SCHEME), store)

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
