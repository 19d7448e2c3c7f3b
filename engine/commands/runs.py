"""A run's life: accept it, drive it here, leave it to another process, wait, cancel, show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, overload

from engine.calibrating.measured import counted_scenario
from engine.catalogs.in_use import catalog_in_use
from engine.commands.context import EngineContext
from engine.commands.former_names import FormerlyCalled
from engine.commands.orders import RunAcceptance
from engine.planning.estimate import Estimate, estimate
from engine.planning.places import ANY_PROVIDER
from engine.readers.scenario_request import (
    ScenarioOptions,
    requested_scenario,
    scenario_request,
)
from engine.runs.model.errors import DriveTimeoutError, LeaseLostError
from engine.runs.model.states import Run
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunOptions, RunRequest, run_request
from engine.scenario import Scenario
from kernel.clock import SystemClock
from pricing.plans.on_sale import estimated_plans

if TYPE_CHECKING:
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.leases.lease import Lease
    from engine.runs.record.store import RunStore
    from engine.runs.view import RunView
    from pricing.run_charges.funding import Funding

WAIT_POLL_S = 0.2
WAIT_S_MAX = 24 * 3600.0

Given = Scenario | str | Path
"""A scenario, or the path of its file."""


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
    def store(self) -> RunStore:
        """The runs as they are on record."""
        return self._context.store

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

        Raises:
            ControllerNotStartedError: It did not start; the run is left as it is.
        """
        from engine.runs.detached import spawn

        use = self._context
        test_clock = use.clock.now() if use.has_test_clock else None
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
            ProviderFailedError: Its machines could not be proven gone.
            NoRoomError: The disk was full for too long; its machines were released.
        """
        from engine.runs.interrupted import drive_or_end

        controller = self.controller(lease)
        if watch is not None:
            controller.watch = watch
        if cancel_wanted is not None:
            controller.cancel_wanted = cancel_wanted
        if stop_wanted is not None:
            controller.stop_wanted = stop_wanted
        if tell is not None:
            controller.tell = tell
        drive = controller.drive if stop_wanted is not None else partial(drive_or_end, controller)
        run = drive(run_id)
        self._context.clouds.close(run)
        _keep_figures(run)
        return run

    def cancel(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Ask for the run's end and return once its machines are proven gone.

        Cancelling twice, or after the end, changes nothing.
        """
        self.store.load(run_id)
        self.store.request_cancel(run_id, self._context.clock.now())
        return self.wait(run_id, timeout_s=timeout_s)

    def wait(
        self,
        run_id: str,
        *,
        timeout_s: float = WAIT_S_MAX,
        enough: Callable[[], bool] | None = None,
    ) -> Run:
        """Return the run once it has ended; drive it here if nobody else does.

        Args:
            run_id: The run.
            timeout_s: How long to wait for another controller.
            enough: Asked while another controller drives the run; true returns it as it stands.
                Where it is driven here, true ends it.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``.
        """
        for _ in range(int(timeout_s / WAIT_POLL_S) + 1):
            run = self.store.load(run_id)
            if run.ended or (enough is not None and enough()):
                return run
            try:
                return self.drive(run_id, cancel_wanted=enough)
            except LeaseLostError:
                self._context.clock.sleep(WAIT_POLL_S)
        raise DriveTimeoutError(
            f"run {run_id} is still {run.state} after {timeout_s:.0f} s; its controller goes on",
            run=run_id,
            state=run.state.value,
        )

    def show(self, run_id: str) -> RunView:
        """The run with its timeline and its bill."""
        from engine.runs.leases.attendance import unattended_runs
        from engine.runs.view import RunView
        from pricing.run_charges import charges

        run = self.store.load(run_id)
        with self._context.reading() as conn:
            bill = charges.bill_of(conn, run_id)
        unattended = unattended_runs(self._context.db, SystemClock().now(), run_id=run_id)
        return RunView(run, self.store.timeline(run_id), bill, unattended.get(run_id))

    def list(self, account: str | None = None) -> Sequence[Run]:
        """All runs, newest first; of one account if named."""
        return self.store.list(account_id=account)

    def unattended(self) -> Mapping[str, datetime]:
        """Since when no controller has driven each open run that none drives, by id."""
        from engine.runs.leases.attendance import unattended_runs

        return unattended_runs(self._context.db, SystemClock().now())

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
        )


def _keep_figures(run: Run) -> None:
    """What a real run measured of its users, for later estimates of the same test.

    A controller that dies before this loses them, and nothing else.
    """
    if not run.ended or run.order.rehearsal or run.result is None or run.ended_at is None:
        return
    from engine.calibrating.evidence import run_figures
    from engine.calibrating.folder import CalibrationFilesError, keep_run

    order = run.order
    figures = run_figures(run.id, run.ended_at, order.provider, order.scenario, run.result)
    if figures is not None:
        # The run has ended well; a folder that cannot be written is told by who reads it.
        with suppress(CalibrationFilesError):
            keep_run(order.scenario, figures)
