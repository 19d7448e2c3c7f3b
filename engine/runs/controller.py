"""The loop that drives one run to its end: observe, decide, write, act.

What is written commits before what it announces is done, so the next controller, after a kill at
any instruction, reads where the run is and repeats at most one idempotent call. The loop is
bounded: every state but ``accepted`` has a deadline in ``decide``, and losing sight of the
provider for too long raises.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from engine.database import transaction
from engine.load.driver import InjectorGroup, LoadResult, LoadTask, Progress
from engine.runs.clouds import Cloud, OpenCloud
from engine.runs.codec import machine_to_json
from engine.runs.decide import (
    Action,
    BeginRelease,
    End,
    GiveUp,
    Launch,
    Observed,
    RecordIntent,
    RecordLoadStart,
    Release,
    Wait,
    decide,
)
from engine.runs.errors import LeaseLostError, ReleaseUnprovenError
from engine.runs.launches import launch_specs
from engine.runs.lease import Lease
from engine.runs.settlement import settle
from engine.runs.states import Outcome, Run, RunState
from engine.runs.store import RunStore
from kernel.clock import Clock, SystemClock
from kernel.errors import BadInputError, ProviderFailedError
from pricing.books import charges, invoices
from providers.contract import Machine, MachineState
from providers.errors import SPENT, ThrottledError, UnknownOutcomeError

BLIND_WAIT_S_MAX = 20.0
"""Shorter than a lease, which is renewed before each wait."""

_HAS_MACHINES = frozenset(RunState) - {RunState.ACCEPTED, RunState.ENDED}
_HAS_LOAD = frozenset({RunState.STARTING, RunState.RUNNING})


def _ignore(*_: object) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Controller:
    """Drives runs, one at a time.

    Attributes:
        db: Where the runs and the books are.
        open_cloud: Connects to the cloud of a run.
        clock: The clock that the runs live by.
        folder: Under which each run has a folder of its own.
        lease: The claim under which this controller drives.
        lease_clock: Leases live by the machine's clock.
        watch: Told what was observed, after every step.
        on_step: Told the name of every step before and after it; a test kills the process there.
        cancel_wanted: Asked before every step; true asks for the run's end.
        stop_wanted: Asked before every step; true leaves the run, open, to the next controller.
    """

    db: Engine
    open_cloud: OpenCloud
    clock: Clock
    folder: Path
    lease: Lease
    lease_clock: Clock = field(default_factory=SystemClock)
    watch: Callable[[Run, Observed], None] = _ignore
    on_step: Callable[[str], None] = _ignore
    cancel_wanted: Callable[[], bool] = _never
    stop_wanted: Callable[[], bool] = _never

    @property
    def store(self) -> RunStore:
        """The runs."""
        return RunStore(self.db)

    def drive(self, run_id: str) -> Run:
        """Drive the run until it has ended, or a stop is wanted, and return it.

        Raises:
            LeaseLostError: A living controller drives it already.
            ReleaseUnprovenError: Its machines could not be proven gone; call again later.
            ProviderFailedError: The provider could not be reached for too long; call again later.
        """
        run = self.store.load(run_id)
        if run.ended:
            return run
        self._hold(run_id)
        try:
            return self._drive(run)
        finally:
            self.store.release_lease(run_id, self.lease)

    def _drive(self, run: Run) -> Run:
        since = self.clock.now()
        try:
            cloud = self.open_cloud(run)
        except ProviderFailedError as error:
            if run.state is not RunState.ACCEPTED:
                raise
            # Nothing was asked of its cloud yet, so the run can end without it.
            self._end(run, Outcome.FAILED, error.message)
            return self.store.load(run.id)
        while not (run := self.store.load(run.id)).ended and not self.stop_wanted():
            if self.cancel_wanted():
                self.store.request_cancel(run.id, self.clock.now())
                run = self.store.load(run.id)
            self._step(run, cloud, since)
        return run

    def _hold(self, run_id: str) -> None:
        if not self.store.acquire(run_id, self.lease, self.lease_clock.now()):
            raise LeaseLostError(f"run {run_id} is driven by another controller", run=run_id)

    def _step(self, run: Run, cloud: Cloud, since: datetime) -> None:
        observed = self._observe(run, cloud)
        # Looking may have taken longer than a lease: only who still holds it may act.
        self._hold(run.id)
        action = decide(run, observed, self.clock.now(), cloud.limits, since)
        name = f"{run.state}/{type(action).__name__}"
        self.on_step(f"{name}/before")
        self._perform(run, cloud, observed, action)
        self.on_step(f"{name}/after")
        self.watch(run, observed)

    def _observe(self, run: Run, cloud: Cloud) -> Observed:
        if run.state not in _HAS_MACHINES:
            return Observed()
        look = Retrying(
            retry=retry_if_exception_type((ThrottledError, UnknownOutcomeError)),
            stop=stop_after_attempt(cloud.limits.blind_looks_max),
            wait=wait_random_exponential(multiplier=cloud.limits.poll_s, max=BLIND_WAIT_S_MAX),
            sleep=self.clock.sleep,
            before_sleep=lambda _: self._hold(run.id),
            reraise=True,
        )
        machines = look(cloud.provider.observe, run.id, run.order.regions)
        if run.state not in _HAS_LOAD:
            return Observed(machines)
        task = self._task(run, cloud, machines)
        progress: Progress = look(cloud.driver.progress, task, self.clock.now())
        return Observed(machines, progress)

    def _task(self, run: Run, cloud: Cloud, machines: tuple[Machine, ...]) -> LoadTask:
        all_up = len(machines) == run.order.machines_wanted and all(
            machine.state is MachineState.RUNNING for machine in machines
        )
        return LoadTask(
            run_id=run.id,
            scenario=run.order.scenario,
            groups=tuple(InjectorGroup(each.count, each.users) for each in run.order.placements),
            folder=self.folder / run.id,
            time_scale=run.order.time_scale,
            started_at=run.load_started_at or (self.clock.now() if all_up else None),
            lifetime_s=cloud.limits.lifetime_s(run.order),
        )

    def _perform(self, run: Run, cloud: Cloud, observed: Observed, action: Action) -> None:
        match action:
            case RecordIntent():
                self._record_intent(run)
            case Launch():
                self._launch(run, cloud, observed)
            case RecordLoadStart():
                self._record_load_start(run, observed)
            case BeginRelease(outcome, reason):
                self._begin_release(run, observed.machines, outcome, reason)
            case Release():
                self._release(run, cloud)
            case Wait():
                self.clock.sleep(cloud.limits.poll_s)
            case End(outcome, reason):
                task = self._task(run, cloud, ())
                self._end(run, outcome, reason, cloud.driver.result(task))
                # What is left of it costs next to nothing, and the run has ended.
                with suppress(ProviderFailedError):
                    cloud.driver.clean_up(task)
            case GiveUp():
                raise ReleaseUnprovenError(
                    f"run {run.id}: {len(observed.machines)} machines are still there; "
                    f"`loadmuster cancel {run.id}` tries again",
                    run=run.id,
                    machines=len(observed.machines),
                )

    def _record_intent(self, run: Run) -> None:
        now = self.clock.now()
        with transaction(self.db) as conn:
            if self.store.cancel_requested(conn, run.id):
                return
            charges.charge_start(conn, run.id, now=now)
            self.on_step("accepted/RecordIntent/charged")
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.LAUNCHING,
                now,
                "charged",
                "start-up and use, with the intent to launch",
                attempt=run.attempt + 1,
                intent_at=now,
            )

    def _launch(self, run: Run, cloud: Cloud, observed: Observed) -> None:
        machines: list[Machine] = []
        try:
            work = cloud.driver.prepare(self._task(run, cloud, observed.machines))
            for spec in launch_specs(run, work, cloud.limits):
                machines.extend(cloud.provider.launch(spec))
                self.on_step("launching/Launch/sent")
        except (BadInputError, ProviderFailedError) as error:
            passing = isinstance(error, (ThrottledError, UnknownOutcomeError))
            if passing and not error.facts.get(SPENT):
                # The same calls with the same tokens go out again, until the launch's deadline.
                self.clock.sleep(cloud.limits.poll_s)
                return
            self._begin_release(run, tuple(machines), Outcome.FAILED, error.message)
            return
        now = self.clock.now()
        with transaction(self.db) as conn:
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.STARTING,
                now,
                "launched",
                f"{len(machines)} of {run.order.machines_wanted} machines",
                launched_at=now,
                machines=[machine_to_json(machine) for machine in machines],
            )

    def _record_load_start(self, run: Run, observed: Observed) -> None:
        assert observed.progress is not None, "load starts when its progress says so"
        now = self.clock.now()
        flowing_s = observed.progress.elapsed_s / run.order.time_scale
        with transaction(self.db) as conn:
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.RUNNING,
                now,
                "load started",
                load_started_at=now - timedelta(seconds=flowing_s),
            )

    def _begin_release(
        self, run: Run, machines: tuple[Machine, ...], outcome: Outcome, reason: str
    ) -> None:
        now = self.clock.now()
        seen = {machine.machine_id: machine for machine in (*run.machines, *machines)}
        with transaction(self.db) as conn:
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.RELEASING,
                now,
                "releasing",
                reason or "the load has ended",
                outcome=outcome,
                reason=reason,
                release_at=now,
                machines=[machine_to_json(machine) for machine in seen.values()],
            )

    def _release(self, run: Run, cloud: Cloud) -> None:
        # Whether it worked shows at the next look; until then it is asked for again.
        with suppress(ThrottledError, UnknownOutcomeError):
            cloud.provider.release(run.id, run.order.regions)
        self.on_step("releasing/Release/sent")
        self.clock.sleep(cloud.limits.poll_s)

    def _end(
        self, run: Run, outcome: Outcome, reason: str, result: LoadResult | None = None
    ) -> None:
        now = self.clock.now()
        with transaction(self.db) as conn:
            if run.intent_at is None:
                charges.void_reservation(conn, run.id, now=now)
            else:
                kept = settle(run, outcome, now)
                charges.correct(
                    conn,
                    run.id,
                    keep_startup=kept.startup,
                    keep_use=kept.use,
                    reason=reason or outcome.value,
                    now=now,
                )
                invoices.issue_for_run(conn, run.id, now)
            self.on_step(f"{run.state}/End/settled")
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.ENDED,
                now,
                outcome.value,
                reason,
                outcome=outcome,
                reason=reason,
                ended_at=now,
                result=None if result is None else result.to_json(),
            )
