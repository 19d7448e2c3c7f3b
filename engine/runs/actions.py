"""The acts of a controller: each writes, then does what it wrote, and may be killed in between.

What is written commits before what it announces is done, so that whoever drives the run next reads
where it is and repeats at most one idempotent call. A transaction moves the run first: who has lost
the lease writes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from engine.database import transaction
from engine.load.driver import LoadResult, LoadTask
from engine.load.verdict import broken_off
from engine.runs.clouds.cloud import Cloud
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
)
from engine.runs.launching.fallback import Detour, Fail, SendAgain, after_refusal, routes_after
from engine.runs.launching.launches import launch_specs, launched_words, load_task
from engine.runs.launching.shortages import note_shortage
from engine.runs.leases.lease import Lease
from engine.runs.model.codec import Document, machine_to_json
from engine.runs.model.errors import ReleaseUnprovenError
from engine.runs.model.states import Outcome, Run, RunState
from engine.runs.record.result_tables import keep_tables, without_tables
from engine.runs.record.store import RunStore
from engine.runs.settlement import settle
from kernel.clock import Clock
from kernel.errors import BadInputError, ProviderFailedError
from kernel.words import counted
from pricing.accounts.settling import Rim, Work, settled
from pricing.ledger.author import Author, BegunCommand
from pricing.ledger.signing import sign
from pricing.payments.gateway import PaymentGateway
from pricing.run_charges.books import books_of
from providers.contract import Machine, MachineState
from providers.errors import ThrottledError, UnknownOutcomeError

T = TypeVar("T")


class Acts(Struct, frozen=True):
    """Does what was decided for a run, under one controller's lease.

    Attributes:
        db: Where the runs and the books are.
        clock: The clock that the runs live by.
        folder: Under which each run has a folder of its own.
        lease: The claim without which nothing is written.
        gateway: Collects what the runs cost in money.
        on_step: Told the name of every step within an act.
        author: Who does it.
    """

    db: Engine
    clock: Clock
    folder: Path
    lease: Lease
    gateway: PaymentGateway
    on_step: Callable[[str], None]
    author: Author

    @property
    def store(self) -> RunStore:
        """The runs."""
        return RunStore(self.db)

    @contextmanager
    def _booking(self, run: Run) -> Iterator[Connection]:
        """One write transaction, in which the run is charged, settled or collected."""
        with transaction(self.db) as conn:
            sign(conn, self.author, BegunCommand("drive", {"run": run.id}))
            yield conn

    def _task(self, run: Run, cloud: Cloud, machines: tuple[Machine, ...]) -> LoadTask:
        return load_task(run, machines, cloud.limits, self.folder, self.clock.now())

    def perform(self, run: Run, cloud: Cloud, observed: Observed, action: Action) -> None:
        """Do what was decided; may be killed anywhere and done again."""
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
                self.end(run, outcome, reason, cloud.driver.result(task))
                # What is left of it costs next to nothing, and the run has ended.
                with suppress(ProviderFailedError):
                    cloud.driver.clean_up(task)
            case GiveUp():
                raise ReleaseUnprovenError(
                    f"run {run.id}: {counted(observed.machine_count, 'machine')}, or parts of "
                    f"some, did not go; `loadmuster cancel {run.id}` tries again",
                    run=run.id,
                    machines=len(observed.machines),
                )

    def _record_intent(self, run: Run) -> None:
        now = self.clock.now()

        def work(conn: Connection, *, gateway: PaymentGateway) -> bool:
            if self.store.cancel_requested(conn, run.id):
                return False
            books = books_of(conn, run.id)
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.LAUNCHING,
                now,
                "charged",
                books.CHARGE_WORDS,
                attempt=run.attempt + 1,
                intent_at=now,
            )
            books.charge_start(conn, run.id, now=now, gateway=gateway)
            self.on_step("accepted/RecordIntent/charged")
            return True

        if self._settled(run, now, work):
            self._collect(run)

    def _settled(self, run: Run, now: datetime, work: Work[T]) -> T:
        """Do what may collect money; the gateway is asked with no transaction open."""
        rim = Rim(partial(self._booking, run), self.gateway, now, self.clock.sleep)
        return settled(rim, run.order.account_id, work)

    def _collect(self, run: Run) -> None:
        """Ask for what the run owes, its charge being committed; a refusal does not stop it."""
        now = self.clock.now()

        def work(conn: Connection, *, gateway: PaymentGateway) -> None:
            books_of(conn, run.id).collect_due(conn, run.id, now=now, gateway=gateway)

        self._settled(run, now, work)

    def _launch(self, run: Run, cloud: Cloud, observed: Observed) -> None:
        machines: list[Machine] = []
        placed = 0
        try:
            work = cloud.driver.prepare(self._task(run, cloud, observed.machines))
            for spec in launch_specs(run, work, cloud.limits):
                machines.extend(cloud.launch(run, spec))
                placed += 1
                self.on_step("launching/Launch/sent")
        except (BadInputError, ProviderFailedError) as error:
            match after_refusal(run, placed, error):
                case SendAgain():
                    self.clock.sleep(cloud.limits.poll_s)
                case Detour() as detour:
                    self._take(run, detour)
                case Fail():
                    self._begin_release(run, tuple(machines), Outcome.FAILED, error.line)
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
                "; ".join(filter(None, (launched_words(run, machines), cloud.about_injectors))),
                launched_at=now,
                machines=[machine_to_json(machine) for machine in machines],
            )

    def _take(self, run: Run, detour: Detour) -> None:
        """Put on record where the placement is tried next; the next step launches it there."""
        now = self.clock.now()
        place = run.placements[detour.placement]
        with transaction(self.db) as conn:
            self.store.advance(
                conn,
                run,
                self.lease,
                RunState.LAUNCHING,
                now,
                "refused",
                detour.reason,
                routes=routes_after(run, detour),
            )
            if detour.avoid_s:
                note_shortage(conn, run.order, place, at=now, avoid_s=detour.avoid_s)

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
                machines=_as_seen_last(run, observed.machines),
            )

    def _begin_release(
        self, run: Run, machines: tuple[Machine, ...], outcome: Outcome, reason: str
    ) -> None:
        now = self.clock.now()
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
                machines=_as_seen_last(run, machines),
            )

    def _release(self, run: Run, cloud: Cloud) -> None:
        # Whether it worked shows at the next look; until then it is asked for again.
        with suppress(ThrottledError, UnknownOutcomeError):
            cloud.release(run)
        self.on_step("releasing/Release/sent")
        self.clock.sleep(cloud.limits.poll_s)

    def end(
        self, run: Run, outcome: Outcome, reason: str, result: LoadResult | None = None
    ) -> None:
        """Settle the run and close it, in one transaction."""
        now = self.clock.now()
        if result is not None and outcome is Outcome.CANCELLED:
            result = broken_off(result, planned_s=run.order.scenario.profile.duration_s)

        def work(conn: Connection, *, gateway: PaymentGateway) -> None:
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
                machines=[
                    machine_to_json(replace(each, state=MachineState.GONE)) for each in run.machines
                ],
                result=None if result is None else without_tables(result).to_json(),
            )
            if result is not None:
                keep_tables(conn, run.id, result)
            books = books_of(conn, run.id)
            if run.intent_at is None:
                books.void_reservation(conn, run.id, now=now, gateway=gateway)
            else:
                kept = settle(run, outcome, now)
                books.correct(
                    conn,
                    run.id,
                    keep_startup=kept.startup,
                    keep_use=kept.use,
                    reason=reason or outcome.value,
                    now=now,
                    gateway=gateway,
                )
                books.issue_invoice(conn, run.id, now=now)
            self.on_step(f"{run.state}/End/settled")

        self._settled(run, now, work)


def _as_seen_last(run: Run, machines: Sequence[Machine]) -> list[Document]:
    """Every machine that the run ever had, those just seen as they are now."""
    real = [machine for machine in machines if machine.state is not MachineState.LEFTOVER]
    seen = {machine.machine_id: machine for machine in (*run.machines, *real)}
    return [machine_to_json(machine) for machine in seen.values()]
