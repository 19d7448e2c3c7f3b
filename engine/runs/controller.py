"""The loop that drives one run to its end: observe, decide, write, act.

After a kill at any instruction the next controller reads where the run is and goes on. The loop is
bounded: every state but ``accepted`` has a deadline in ``decide``, and losing sight of the
provider for too long raises.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from engine.database import DatabaseFullError
from engine.load.driver import LoadProgress
from engine.runs.actions import Acts
from engine.runs.clouds.cloud import Cloud, OpenCloud
from engine.runs.decide import Observed, decide
from engine.runs.launching.launches import load_task
from engine.runs.leases.lease import Lease
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.sighting import Sighting
from engine.runs.model.states import Outcome, Run, RunState
from engine.runs.record.store import RunStore
from engine.runs.room import WAIT_S, WaitingForRoom
from kernel.clock import Clock, SystemClock
from kernel.errors import ProviderFailedError
from pricing.ledger.author import Author, Via
from pricing.payments.gateway import PaymentGateway
from providers.errors import ThrottledError, UnknownOutcomeError

BLIND_WAIT_S_MAX = 20.0
"""Shorter than a lease, which is renewed before each wait."""

_HAS_MACHINES = frozenset(RunState) - {RunState.ACCEPTED, RunState.ENDED}
_HAS_LOAD = frozenset({RunState.STARTING, RunState.RUNNING})

P = ParamSpec("P")
Seen = TypeVar("Seen")


def _ignore(*_: object) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class Controller:
    """Drives runs, one at a time.

    Attributes:
        db: Where the runs and the books are.
        open_cloud: Connects to the cloud of a run.
        clock: The clock that the runs live by.
        folder: Under which each run has a folder of its own.
        lease: The claim under which this controller drives.
        gateway: Collects what the runs cost in money.
        via: What had it made, for the record of who did what.
        lease_clock: Leases live by the machine's clock.
        watch: Told what was observed, after every step.
        on_step: Told the name of every step before and after it; a test kills the process there.
        cancel_wanted: Asked before every step; true asks for the run's end.
        stop_wanted: Asked before every step; true leaves the run, open, to the next controller.
        tell: Told in one line what hinders the run and does not end it.
        room_wait_s: Between two tries to write what the disk had no room for.
    """

    db: Engine
    open_cloud: OpenCloud
    clock: Clock
    folder: Path
    lease: Lease
    gateway: PaymentGateway
    via: Via = Via.API
    lease_clock: Clock = field(default_factory=SystemClock)
    watch: Callable[[Run, Observed], None] = _ignore
    on_step: Callable[[str], None] = _ignore
    cancel_wanted: Callable[[], bool] = _never
    stop_wanted: Callable[[], bool] = _never
    tell: Callable[[str], None] = _ignore
    room_wait_s: float = WAIT_S

    @property
    def store(self) -> RunStore:
        """The runs."""
        return RunStore(self.db)

    @property
    def _acts(self) -> Acts:
        return Acts(
            self.db, self.clock, self.folder, self.lease, self.gateway, self.on_step, self.author
        )

    @property
    def author(self) -> Author:
        """Who writes what it does: a process, named as its lease names it."""
        return Author(f"controller {self.lease.owner}", self.via, is_service=True)

    def unwatched(self) -> Controller:
        """The same controller, with nothing of its caller's in between."""
        return replace(
            self,
            watch=_ignore,
            on_step=_ignore,
            cancel_wanted=_never,
            stop_wanted=_never,
            tell=_ignore,
        )

    def drive(self, run_id: str) -> Run:
        """Drive the run until it has ended, or a stop is wanted, and return it.

        Raises:
            LeaseLostError: A living controller drives it already.
            ReleaseUnprovenError: Its machines could not be proven gone; call again later.
            ProviderFailedError: The provider could not be reached for too long; call again later.
            NoRoomError: The disk was full for too long; call again once there is room.
        """
        run = self.store.load(run_id)
        if run.ended:
            return run
        room = WaitingForRoom(
            self.store.load, self.open_cloud, self.clock, self.folder, self.tell, self.room_wait_s
        )
        return room.drive(run_id, partial(self._hold_and_drive, run_id))

    def _hold_and_drive(self, run_id: str) -> Run:
        self._hold(run_id)
        try:
            return self._drive(self.store.load(run_id))
        finally:
            # Where nothing can be written the lease ends by itself.
            with suppress(DatabaseFullError):
                self.store.release_lease(run_id, self.lease, self.lease_clock.now())

    def _drive(self, run: Run) -> Run:
        since = self.clock.now()
        try:
            cloud = self.open_cloud(run)
            if run.state is RunState.ACCEPTED:
                # A cloud that does not let us look would not let us launch either: seen before
                # anything is charged.
                self._look(run, cloud, cloud.observe, run)
        except ProviderFailedError as error:
            if run.state is not RunState.ACCEPTED or isinstance(error, LeaseLostError):
                raise
            # Nothing was asked of its cloud yet, so the run can end without it.
            self._acts.end(run, Outcome.FAILED, error.line)
            return self.store.load(run.id)
        while not (run := self.store.load(run.id)).ended and not self.stop_wanted():
            if self.cancel_wanted():
                self.store.request_cancel(run.id, self.clock.now(), self.author)
                run = self.store.load(run.id)
            self._step(run, cloud, since)
        return run

    def _hold(self, run_id: str, *, seen: Sighting | None = None) -> None:
        if not self.store.acquire(run_id, self.lease, self.lease_clock.now(), seen=seen):
            raise LeaseLostError(f"run {run_id} is driven by another controller", run=run_id)

    def _step(self, run: Run, cloud: Cloud, since: datetime) -> None:
        observed = self._observe(run, cloud)
        # Looking may have taken longer than a lease: only who still holds it may act.
        now = self.clock.now()
        self._hold(run.id, seen=observed.sighting(now, run.last_seen))
        action = decide(run, observed, now, cloud.limits, since)
        name = f"{run.state}/{type(action).__name__}"
        self.on_step(f"{name}/before")
        try:
            self._acts.perform(run, cloud, observed, action)
        except LeaseLostError:
            self._give_back(run, cloud)
            raise
        self._give_back(run, cloud)
        self.on_step(f"{name}/after")
        self.watch(run, observed)

    def _give_back(self, run: Run, cloud: Cloud) -> None:
        """Release what a call launched that was under way while another ended the run.

        Nobody else would look for those machines but the reaper; they have their dead man too.
        """
        if run.state is RunState.LAUNCHING and self.store.load(run.id).ended:
            cloud.release(run)

    def _observe(self, run: Run, cloud: Cloud) -> Observed:
        if run.state not in _HAS_MACHINES:
            return Observed()
        try:
            machines = self._look(run, cloud, cloud.observe, run)
        except ProviderFailedError:
            if run.state is RunState.RELEASING:
                # A cloud that does not answer must not keep the machines of another one.
                with suppress(ProviderFailedError):
                    cloud.release(run)
            raise
        if run.state not in _HAS_LOAD:
            return Observed(machines)
        now = self.clock.now()
        task = load_task(run, machines, cloud.limits, self.folder, now)
        progress: LoadProgress = self._look(run, cloud, cloud.driver.progress, task, now)
        return Observed(machines, progress)

    def _look(
        self, run: Run, cloud: Cloud, ask: Callable[P, Seen], *args: P.args, **named: P.kwargs
    ) -> Seen:
        """What a cloud says; asked again, with a bound, while it does not answer."""
        look = Retrying(
            retry=retry_if_exception_type((ThrottledError, UnknownOutcomeError)),
            stop=stop_after_attempt(cloud.limits.blind_looks_max),
            wait=wait_random_exponential(multiplier=cloud.limits.poll_s, max=BLIND_WAIT_S_MAX),
            sleep=self.clock.sleep,
            before_sleep=lambda _: self._hold(run.id),
            reraise=True,
        )
        return look(ask, *args, **named)
