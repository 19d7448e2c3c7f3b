"""Rehearsed clouds: each a process of its own that outlives the controller, as a real cloud would.

A rehearsal's address is on record with its run, so that the controller that takes over finds it.
If that process is gone, all its machines are gone with it, and an empty one takes its place. A run
has a rehearsal of its own, below its folder, unless runs were told to share one; one that may go to
another cloud has a rehearsal of each, the second from the moment when it goes there.
"""

from __future__ import annotations

import re
import threading
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.clouds import CLOUDS
from engine.load.driver import LoadDriver
from engine.load.rehearsed import RehearsedLoad
from engine.load.sliced.driver import SlicedDriver
from engine.runs.clouds.cloud import Cloud
from engine.runs.detached import REHEARSAL_VARIABLE
from engine.runs.model.states import Limits, Run
from engine.runs.record.store import RunStore
from kernel.clock import Clock
from kernel.errors import BadInputError
from providers.errors import ConfigurationRejectedError

if TYPE_CHECKING:
    from providers.contract import Provider

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\-\[\]:]+/?")
SHOWN_LETTERS = 40

REHEARSAL_LIMITS = Limits(
    launch_s=300.0,
    start_s=240.0,
    overrun_s=60.0,
    release_s=300.0,
    stop_s=10.0,
    visibility_s=1.0,
    expiry_margin_s=60.0,
    poll_s=0.25,
    blind_looks_max=6,
)


class Rehearsals(Struct, frozen=True):
    """The rehearsed clouds of runs whose folders lie under ``folder``.

    Attributes:
        folder: Each run has a folder of its own in it.
        clock: The clock that the runs live by.
        shared_url: A rehearsed cloud that runs share, of those on the cloud that can be shared;
            None: each has its own.
    """

    folder: Path
    clock: Clock
    shared_url: str | None = None
    _providers: dict[str, Provider] = field(default_factory=dict)
    _connecting: threading.Lock = field(default_factory=threading.Lock)

    def open(self, run: Run, store: RunStore) -> Cloud:
        """The rehearsed cloud of a run, begun here or by another process.

        Raises:
            ProviderFailedError: It cannot be started, or the one that is shared does not answer.
        """
        endpoint = run.endpoint
        if endpoint is None or not self.is_alive(endpoint):
            endpoint = self._begin(run, run.order.provider)
            store.set_endpoint(run.id, endpoint)
        driver: LoadDriver = RehearsedLoad()
        if run.order.puts_load:
            objects = CLOUDS[run.order.provider].rehearsed().objects(endpoint, self.clock)
            driver = SlicedDriver(objects, store.program_bundle)
        provider = self.provider(run.order.provider, endpoint)
        other = cache(partial(self._other, run, store))
        return Cloud(provider, driver, REHEARSAL_LIMITS, other)

    def check(self, name: str) -> None:
        """Refuse a run whose rehearsed cloud could not be started, or does not answer.

        Raises:
            BadInputError: Something is to be installed, or the address of the shared one is none.
            ConfigurationRejectedError: The shared one does not answer.
        """
        try:
            CLOUDS[name].rehearsed().check_installed()
        except ConfigurationRejectedError as error:
            # Nothing was asked of any cloud so far: it is this installation that is to be changed.
            raise BadInputError(error.message) from error
        if self.shared_url is not None and CLOUDS[name].shares_rehearsal:
            self._check_shared(name, self.shared_url)

    def _check_shared(self, name: str, url: str) -> None:
        if not _ADDRESS.fullmatch(url):
            raise BadInputError(
                f"{REHEARSAL_VARIABLE}: {url[:SHOWN_LETTERS]!r} is no address of a rehearsed"
                " cloud; write it like http://127.0.0.1:5000",
                where=REHEARSAL_VARIABLE,
            )
        if not self.is_alive(url):
            raise ConfigurationRejectedError(
                f"no rehearsed {CLOUDS[name].title} answers at {url}, which runs were told to"
                f" share by {REHEARSAL_VARIABLE}",
                endpoint=url,
            )

    def provider(self, name: str, endpoint: str) -> Provider:
        """The provider of a rehearsed cloud; runs on the same one share its connections."""
        with self._connecting:
            if endpoint not in self._providers:
                self._providers[endpoint] = CLOUDS[name].rehearsed().provider(endpoint, self.clock)
            return self._providers[endpoint]

    def is_alive(self, endpoint: str) -> bool:
        """Whether a rehearsed cloud answers there."""
        from providers.rehearsal.program import is_alive

        return is_alive(endpoint)

    def close(self, run: Run) -> None:
        """Put a rehearsal away once its run has ended; one that is shared stays."""
        if not run.order.rehearsal or not run.ended:
            return
        for name in (run.order.provider, *run.order.other_providers):
            if run.endpoint_of(name) is not None:
                self._put_away(name, self.folder / run.id)

    def _put_away(self, name: str, folder: Path) -> None:
        own = CLOUDS[name].rehearsed().running(folder)
        if own is not None:
            own.stop()
            with self._connecting:
                self._providers.pop(own.endpoint_url, None)

    def _other(self, run: Run, store: RunStore, name: str) -> Provider:
        """Another rehearsed cloud of the run, begun when the run first goes there."""
        endpoint = store.load(run.id).endpoint_of(name)
        if endpoint is None or not self.is_alive(endpoint):
            endpoint = self._begin(run, name)
            store.set_other_endpoint(run.id, name, endpoint)
        return self.provider(name, endpoint)

    def _begin(self, run: Run, name: str) -> str:
        if self.shared_url is None or not CLOUDS[name].shares_rehearsal:
            return CLOUDS[name].rehearsed().start(self.folder / run.id).endpoint_url
        self._check_shared(name, self.shared_url)
        return self.shared_url
