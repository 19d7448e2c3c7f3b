"""A run's life: accept it, drive it here, leave it to another process, wait, cancel, show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, overload

from engine.calibrating.measured import counted_scenario
from engine.catalogs.in_use import catalog_in_use
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.driving import RunDriving
from engine.commands.former_names import FormerlyCalled
from engine.commands.orders import RunAcceptance
from engine.commands.run_figures import left_out_because
from engine.commands.waiting import WAIT_S_MAX, RunWaiting
from engine.planning.estimate import Estimate, estimate
from engine.planning.places import ANY_PROVIDER
from engine.readers.scenario_request import (
    ScenarioOptions,
    requested_scenario,
    scenario_request,
)
from engine.runs.model.states import Run
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunOptions, RunRequest, run_request
from engine.scenario import Scenario
from kernel.clock import SystemClock
from pricing.plans.on_sale import estimated_plans

if TYPE_CHECKING:
    from engine.commands.run_clocks import RunClocks
    from engine.load.logs import InjectorLog
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.leases.lease import Lease
    from engine.runs.record.store import RunStore
    from engine.runs.view import RunView
    from pricing.run_charges.funding import Funding

Given = Scenario | str | Path
"""A scenario, or the path of its file."""


@checked
class RunCommands(FormerlyCalled):
    """Runs, from their estimate to their end.

    ``prepare``, ``accept``, ``run`` and ``start`` take a ``RunRequest``, or a scenario (or the path
    of its file) with the fields of a request as keywords.
    """

    former_call = "runs"

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._acceptance = RunAcceptance(context)

    @property
    def _clocks(self) -> RunClocks:
        from engine.commands.run_clocks import RunClocks

        return RunClocks(self._context)

    @property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        return self._context.store

    @property
    def _driving(self) -> RunDriving:
        return RunDriving(self._context, self._clocks, self.controller)

    @property
    def _waiting(self) -> RunWaiting:
        clock = self._context.clock
        return RunWaiting(
            load=self.store.load,
            drive=self._driving.drive,
            drive_elsewhere=self.detach,
            since_unattended=lambda run_id: self.unattended(run_id).get(run_id),
            now=clock.now,
            sleep=clock.sleep,
        )

    @property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self._context.folder

    def estimate(
        self,
        given: Given | None = None,
        /,
        *,
        provider: str = ANY_PROVIDER,
        or_on: Sequence[str] = (),
        account: str | None = None,
        **options: Unpack[ScenarioOptions],
    ) -> Estimate:
        """What a load test takes and costs; nothing is put on record and no cloud is asked.

        Args:
            given: The scenario, or the path of its file.
            provider: ``aws``, ``azure``, or ``any`` for both.
            or_on: Clouds that may stand in for the provider.
            account: Quote under its plan.
            **options: The fields of a ``ScenarioRequest``, which change the scenario.

        Raises:
            BadInputError: The scenario cannot be read or estimated, or there is no such account.
        """
        from engine.commands.accounts import AccountCommands
        from pricing.tariffs import rates_file, read_rates

        request = scenario_request(given, options)
        plan = None if account is None else AccountCommands(self._context).plan_of(account)
        return estimate(
            counted_scenario(request, requested_scenario(request)),
            catalog=catalog_in_use(self._context.environment),
            provider=provider,
            or_on=or_on,
            at=self._context.clock.now().date(),
            plan=plan,
            plans=estimated_plans(self._context.plans_file),
            rates=read_rates(rates_file(self._context.environment)),
        )

    @overload
    def prepare(self, given: RunRequest, /) -> PreparedRun: ...

    @overload
    def prepare(
        self, given: Given | None = None, /, **options: Unpack[RunOptions]
    ) -> PreparedRun: ...

    def prepare(self, given: RunRequest | Given | None = None, /, **options: object) -> PreparedRun:
        """What would be started: read, estimated and placed; nothing is put on record.

        Raises:
            BadInputError: The request contradicts itself, or cannot be run.
        """
        return self._acceptance.prepare(run_request(given, options), self._context.clock.now())

    def payment(self, planned: Estimate, *, account: str, department: str | None = None) -> Funding:
        """Who would pay for a run of the estimated test now, and how much.

        Raises:
            RefusedError: What a run would be refused with.
        """
        return self._acceptance.payment(
            planned, account=account, department=department, now=self._context.clock.now()
        )

    @overload
    def accept(self, given: RunRequest | PreparedRun, /, *, lease: Lease | None = None) -> Run: ...

    @overload
    def accept(
        self,
        given: Given | None = None,
        /,
        *,
        lease: Lease | None = None,
        **options: Unpack[RunOptions],
    ) -> Run: ...

    def accept(
        self,
        given: RunRequest | PreparedRun | Given | None = None,
        /,
        *,
        lease: Lease | None = None,
        **options: object,
    ) -> Run:
        """Quote the run, reserve what it will cost, and put it on record; nothing is launched.

        What was prepared is accepted as it was shown. A run goes to the clouds ``or_on`` only
        where no place of ``provider`` has the machines; what it is charged stays the same. Before
        a run on a real cloud is put on record, the cloud is looked at: credentials, network,
        machine types, quotas. A new run is held by the ``lease`` of who is going to drive it;
        without one it is free for whoever serves.

        Raises:
            BadInputError: The scenario cannot run there, or the account does not exist.
            RefusedError: Not enough credits or money in the wallet, above the cap, the account has
                not allowed the target, or the request id was used before.
            ProviderFailedError: The cloud refuses what the run needs, or does not answer.
        """
        now = self._context.clock.now()
        if isinstance(given, PreparedRun):
            return self._acceptance.accept(given, lease, now)
        prepared = self._acceptance.prepare(run_request(given, options), now)
        return self._acceptance.accept(prepared, lease, now)

    @overload
    def run(self, given: RunRequest, /) -> Run: ...

    @overload
    def run(self, given: Given | None = None, /, **options: Unpack[RunOptions]) -> Run: ...

    def run(self, given: RunRequest | Given | None = None, /, **options: object) -> Run:
        """Accept the run and drive it in this process until it has ended.

        One that is to be queued or detached returns at once.
        """
        request = run_request(given, options)
        if request.queue or request.detach:
            return self.start(request)
        lease = self.new_lease()
        return self.drive(self.accept(request, lease=lease).id, lease=lease)

    @overload
    def start(self, given: RunRequest, /) -> Run: ...

    @overload
    def start(self, given: Given | None = None, /, **options: Unpack[RunOptions]) -> Run: ...

    def start(self, given: RunRequest | Given | None = None, /, **options: object) -> Run:
        """Accept the run and leave it to a controller process of its own, or to whoever serves.

        Raises:
            ControllerNotStartedError: It did not start; the run stays accepted.
        """
        request = run_request(given, options)
        accepted = self.accept(request)
        if not request.queue:
            self.detach(accepted.id)
        return accepted

    def detach(self, run_id: str) -> None:
        """Start a controller process for the run; it outlives this one.

        It returns once the run is held, so that nobody sees it unattended from then on.

        Raises:
            ControllerNotStartedError: It did not start; the run is left as it is.
            WrongClockError: Its account lives by another clock than this.
        """
        from engine.runs.detached import spawn

        use, run = self._context, self.store.load(run_id)
        clock = use.clock if run.ended else self._clocks.to_drive(run)
        test_clock = None if isinstance(clock, SystemClock) else clock.now()
        spawn(run_id, use.db.url, use.folder, test_clock=test_clock)

    def drive(
        self,
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool] | None = None,
        tell: Callable[[str], None] | None = None,
        lease: Lease | None = None,
    ) -> Run:
        """Drive the run here until it has ended; also one whose controller died.

        Ctrl-C, or an exception of ``watch`` or ``cancel_wanted``, ends the run on its way out: it
        is cancelled and its machines are released before the exception goes on, which has a note
        that says so. Where there is ``stop_wanted``, the run is left to the next controller.

        Args:
            run_id: The run.
            watch: Told what is observed, several times a second.
            cancel_wanted: Asked as often; true ends the run.
            stop_wanted: Asked as often; true leaves the run, open, to the next controller.
            tell: Told in one line what hinders the run and does not end it, such as a full disk.
            lease: Under which the run is held already.

        Raises:
            LeaseLostError: Another controller drives it.
            WrongClockError: Its account lives by another clock than this, and it is not to be
                ended.
            ProviderFailedError: Its machines could not be proven gone.
            NoRoomError: The disk was full for too long; its machines were released.
        """
        return self._driving.drive(
            run_id,
            watch=watch,
            cancel_wanted=cancel_wanted,
            stop_wanted=stop_wanted,
            tell=tell,
            lease=lease,
            is_left=stop_wanted is not None,
        )

    def cancel(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Ask for the run's end and return once its machines are proven gone.

        Cancelling twice, or after the end, changes nothing.

        Raises:
            WrongClockError: Its account lives by another clock than this, and nothing of it was
                launched. A run that may have machines is ended all the same, by its own clock.
        """
        run = self.store.load(run_id)
        if not run.ended:
            at = self._clocks.to_end(run).now()
            self.store.request_cancel(run_id, at, self._context.author)
        return self.wait(run_id, timeout_s=timeout_s)

    def wait(
        self,
        run_id: str,
        *,
        timeout_s: float = WAIT_S_MAX,
        enough: Callable[[], bool] | None = None,
        callback: Callable[[Run], None] | None = None,
    ) -> Run:
        """Return the run once it has ended; drive it here if nobody else does.

        Args:
            run_id: The run.
            timeout_s: How long to wait, to within a look. Where it is driven here until then, it
                gets a controller process of its own, as by ``detach``.
            enough: Asked while another controller drives the run; true returns it as it stands.
                Where it is driven here, true ends it.
            callback: Given the run at every look, with what was ``last_seen`` of its load. Its
                exceptions end the waiting; a run that is driven here, as any is that nobody else
                drives, they end as well.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``; says whether anybody drives it.
            ControllerNotStartedError: The time is up, and no controller could be started for it.
        """
        return self._waiting.wait(run_id, timeout_s=timeout_s, enough=enough, callback=callback)

    def watch(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Iterator[Run]:
        """The run at every look, twice a second, until it has ended; who leaves ends nothing.

        It only reads: a run that nobody drives is not driven. What its controller, wherever it is,
        saw at its own last look is ``last_seen``.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``.
        """
        return self._waiting.watch(run_id, timeout_s=timeout_s)

    async def wait_async(
        self,
        run_id: str,
        *,
        timeout_s: float = WAIT_S_MAX,
        callback: Callable[[Run], None] | None = None,
    ) -> Run:
        """Return the run once it has ended, while the event loop does other things.

        A run that nobody drives gets a controller process of its own, as by ``detach``: whoever
        cancels the task that waits, or ends the loop, ends no run. The database is asked in
        threads; the callback is called in the event loop.

        Args:
            run_id: The run.
            timeout_s: How long to wait.
            callback: Given the run at every look; its exceptions end the waiting only, with a note
                where nobody drives the run.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``.
            ControllerNotStartedError: Nobody drives it, and no controller could be started.
        """
        return await self._waiting.wait_async(run_id, timeout_s=timeout_s, callback=callback)

    def watch_async(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> AsyncIterator[Run]:
        """``watch`` for an event loop: ``async for run in engine.runs.watch_async(run_id)``."""
        return self._waiting.watch_async(run_id, timeout_s=timeout_s)

    def show(self, run_id: str) -> RunView:
        """The run with its timeline and its bill."""
        from engine.runs.runnable import real_run_refused_because
        from engine.runs.view import RunView
        from pricing.run_charges.books import books_of

        run = self.store.load(run_id)
        with self._context.reading() as conn:
            bill = books_of(conn, run_id).bill_of(conn, run_id)
            refused_because = real_run_refused_because(conn, run)
        return RunView(
            run,
            self.store.timeline(run_id),
            bill,
            self.unattended(run_id).get(run_id),
            left_out_because(run),
            refused_because,
        )

    def logs(
        self, run_id: str, *, injector: int | None = None, tail: int = 40
    ) -> Sequence[InjectorLog]:
        """The end of what the run's injectors wrote, printable and bounded.

        Injectors on this computer write while load is on; those of clouds leave their logs when
        they end, on the computer whose controller drove the run.

        Args:
            run_id: The run.
            injector: Of which alone, from 0; None: of all (the first hundred), and of the master.
            tail: How many lines of each; at most 5,000.
        """
        from engine.load.logs import read_logs

        return read_logs(self.folder / self.store.load(run_id).id, injector, tail)

    def list(self, account: str | None = None) -> Sequence[Run]:
        """All runs, newest first; of one account if named.

        Their results have no windows and no rows of requests, which ``show`` and ``wait`` have.
        """
        return self.store.list(account_id=account)

    def unattended(self, run_id: str | None = None) -> Mapping[str, datetime]:
        """Since when no controller has driven each open run that none drives, by id.

        Args:
            run_id: Look at this one only; None: at all.
        """
        from engine.runs.leases.attendance import unattended_runs

        return unattended_runs(self._context.db, SystemClock().now(), run_id=run_id)

    def new_lease(self) -> Lease:
        """A lease of this process that no run is held by yet."""
        from engine.runs.leases.lease import new_lease

        return new_lease(self._context.new_token())

    def controller(self, lease: Lease | None = None) -> Controller:
        """A controller for callers that want to watch every step; without a lease, its own."""
        from engine.runs.controller import Controller

        use = self._context
        return Controller(
            db=use.db,
            open_cloud=lambda run: use.clouds.open(run, use.store),
            clock=use.clock,
            folder=use.folder,
            lease=lease or self.new_lease(),
            gateway=use.gateway,
            via=use.via,
        )
