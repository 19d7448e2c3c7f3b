"""Connects a run to its cloud: this machine, one of the user's own clouds, or a rehearsed one."""

from __future__ import annotations

import os
import pkgutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.clouds import CLOUDS, LOCAL, CloudFacts, not_offered
from engine.load.driver import LoadDriver
from engine.load.locust import LocustDriver
from engine.load.sliced.driver import SlicedDriver
from engine.runs.clouds.cloud import Cloud, widest
from engine.runs.clouds.contract import UserCloud, check_lifetime
from engine.runs.clouds.rehearsals import Rehearsals
from engine.runs.launching.placements import first_on, providers_of
from engine.runs.model.errors import MachinesElsewhereError
from engine.runs.model.states import Limits, Placement, Run
from engine.runs.reaper.reaper import ReapedRegion
from engine.runs.record.store import RunStore
from kernel.child_environment import proxies_in_words
from kernel.clock import Clock
from providers.findings import Finding

if TYPE_CHECKING:
    from providers.contract import Provider

LOCAL_LIMITS = Limits(
    launch_s=150.0,
    start_s=240.0,
    overrun_s=60.0,
    release_s=150.0,
    stop_s=10.0,
    visibility_s=1.0,
    expiry_margin_s=60.0,
    poll_s=0.25,
    blind_looks_max=6,
)


@dataclass(frozen=True)
class CloudRegistry:
    """Opens clouds for runs whose folders lie under ``folder``.

    Attributes:
        folder: Also holds what marks this installation's machines as its own.
        clock: The clock that the runs live by.
        settings: The user's for real runs, by cloud; of one that is left out nothing
            was said.
        rehearsal_url: A rehearsed cloud that runs share; None: each has its own.
    """

    folder: Path
    clock: Clock
    settings: Mapping[str, object] = field(default_factory=dict)
    rehearsal_url: str | None = None

    @cached_property
    def real(self) -> Mapping[str, UserCloud]:
        """The user's own clouds by name; each is one for all runs, which share its limits."""
        return {
            name: self._connected(cloud, self.settings.get(name) or cloud.settings_in({}))
            for name, cloud in CLOUDS.items()
        }

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
        return self._open_real(run, store)

    def check_settings(self, provider: str, *, rehearsal: bool) -> None:
        """Refuse a run on a cloud for which a setting or an installation is missing.

        Raises:
            BadInputError: The message says what to set, or to install.
            ConfigurationRejectedError: What a rehearsal needs is not installed.
        """
        if rehearsal:
            self.rehearsals.check(provider)
        elif provider != LOCAL:
            self.user_cloud(provider).check_settings()

    def check(
        self, placements: Sequence[Placement], *, owner: str, spot: bool, load_s: float
    ) -> None:
        """Look at every real cloud of a run before it is put on record; costs nothing.

        Args:
            placements: What the run would launch, and where.
            owner: The account.
            spot: Whether on machines that may be taken away.
            load_s: How long the load flows.

        Raises:
            BadInputError: A setting is missing, or the load is too long.
            ProviderFailedError: A run could not work, or a cloud does not answer.
        """
        names = providers_of(placements)
        self.check_length(names, load_s)
        for name in names:
            self.user_cloud(name).check(first_on(name, placements), owner=owner, spot=spot)

    def check_length(self, names: Sequence[str], load_s: float) -> None:
        """Refuse a load that no real run on these clouds could play to its end; asks them nothing.

        Raises:
            BadInputError: The load is too long.
        """
        clouds = [self.user_cloud(name) for name in names]
        limits = widest([each.limits for each in clouds])
        for cloud in clouds:
            check_lifetime(limits, load_s, cloud.signed_s_max)

    def examine(self, provider: str, regions: Sequence[str]) -> Iterator[Finding]:
        """What stands between a real cloud and a run there."""
        return self.user_cloud(provider).examine(regions)

    def user_cloud(self, name: str) -> UserCloud:
        """One of the user's own clouds.

        Raises:
            BadInputError: There is none of that name.
        """
        found = self.real.get(name)
        if found is None:
            raise not_offered(name)
        return found

    def local(self, run: Run, store: RunStore) -> Cloud:
        """This machine: every injector a process, with real load.

        Locust spreads its users itself; any other program boots as on a cloud's machine, and meets
        this controller in a folder.
        """
        from providers.local.objects import FolderObjects

        driver: LoadDriver = LocustDriver()
        if run.order.scenario.program is not None:
            driver = SlicedDriver(FolderObjects(self.folder / "objects"), store.program_bundle)
        about = proxies_in_words(os.environ)
        return Cloud(self._local_provider(), driver, LOCAL_LIMITS, about_injectors=about)

    def _local_provider(self) -> Provider:
        from providers.local import LocalProvider

        return LocalProvider(self.folder / "machines", self.clock)

    def provider_at(self, place: ReapedRegion) -> Provider:
        """Who shows and ends the machines of a place, of whichever run.

        Raises:
            BadInputError: Machines there cannot be looked at, or the SDK is not installed.
        """
        if place.endpoint is not None:
            return self.rehearsals.provider(place.name, place.endpoint)
        if place.name == LOCAL:
            return self._local_provider()
        return self.user_cloud(place.name).provider()

    def is_there(self, place: ReapedRegion) -> bool:
        """Whether a place can have machines at all: a rehearsed cloud that ended has none."""
        return place.endpoint is None or self.rehearsals.is_alive(place.endpoint)

    def close(self, run: Run) -> None:
        """Put a rehearsal's cloud away once its run has ended."""
        self.rehearsals.close(run)

    def _connected(self, cloud: CloudFacts, settings: object) -> UserCloud:
        """A cloud by settings of its own type; asks it nothing."""
        connect: Callable[[Clock, object], UserCloud] = pkgutil.resolve_name(cloud.runs)
        return connect(self.clock, settings)

    def _open_real(self, run: Run, store: RunStore) -> Cloud:
        """Whoever takes the run over looks for its injectors where it began."""
        cloud, endpoint = self.user_cloud(run.order.provider), run.endpoint
        if endpoint is None:
            endpoint = cloud.endpoint()
            store.set_endpoint(run.id, endpoint)
        opened = cloud.open(endpoint, store)
        others = [self.user_cloud(name).limits for name in run.order.other_providers]
        return replace(
            opened,
            limits=widest([opened.limits, *others]),
            other=cache(partial(self._other, run, store)),
        )

    def _other(self, run: Run, store: RunStore, name: str) -> Provider:
        """Another cloud of the run; whose account it went to is on record before it does."""
        cloud, endpoint = self.user_cloud(name), store.load(run.id).endpoint_of(name)
        if endpoint is None:
            endpoint = cloud.endpoint()
            store.set_other_endpoint(run.id, name, endpoint)
        return cloud.open(endpoint, store).provider

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
