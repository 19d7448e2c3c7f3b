"""A run's life: drive it here, leave it to another process, wait, cancel, show."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.clouds import LOCAL
from engine.commands.orders import OrderCommands
from engine.runs.errors import DriveTimeoutError, LeaseLostError
from engine.runs.states import Run
from engine.scenario import Scenario
from kernel.clock import SystemClock

if TYPE_CHECKING:
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.leases.lease import Lease
    from engine.runs.view import RunView

WAIT_POLL_S = 0.2
WAIT_S_MAX = 24 * 3600.0


class RunCommands(OrderCommands):
    """Runs, from their acceptance to their end."""

    def run(  # noqa: PLR0913 - one keyword an option of `loadmuster run`
        self,
        scenario: Scenario,
        *,
        account: str,
        department: str | None = None,
        provider: str = LOCAL,
        or_on: Sequence[str] = (),
        dry_run: bool = False,
        spot: bool = False,
        request_id: str | None = None,
    ) -> Run:
        """Accept the run and drive it in this process until it has ended."""
        lease = self.new_lease()
        accepted = self.accept(
            scenario,
            account=account,
            department=department,
            provider=provider,
            or_on=or_on,
            dry_run=dry_run,
            spot=spot,
            request_id=request_id,
            lease=lease,
        )
        return self.drive(accepted.id, lease=lease)

    def start(  # noqa: PLR0913 - one keyword an option of `loadmuster run`
        self,
        scenario: Scenario,
        *,
        account: str,
        department: str | None = None,
        provider: str = LOCAL,
        or_on: Sequence[str] = (),
        dry_run: bool = False,
        spot: bool = False,
        request_id: str | None = None,
    ) -> Run:
        """Accept the run and leave it to a controller process of its own.

        Raises:
            ControllerNotStartedError: It did not start; the run stays accepted.
        """
        accepted = self.accept(
            scenario,
            account=account,
            department=department,
            provider=provider,
            or_on=or_on,
            dry_run=dry_run,
            spot=spot,
            request_id=request_id,
        )
        self.detach(accepted.id)
        return accepted

    def detach(self, run_id: str) -> None:
        """Start a controller process for the run; it outlives this one.

        Raises:
            ControllerNotStartedError: It did not start; the run is left as it is.
        """
        from engine.runs.detached import spawn

        test_clock = None if isinstance(self.clock, SystemClock) else self.clock.now()
        spawn(run_id, self._db.url, self.folder, test_clock=test_clock)

    def drive(
        self,
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool] | None = None,
        lease: Lease | None = None,
    ) -> Run:
        """Drive the run here until it has ended; also one whose controller died.

        Args:
            run_id: The run.
            watch: Told what is observed, several times a second.
            cancel_wanted: Asked as often; true ends the run.
            stop_wanted: Asked as often; true leaves the run, open, to the next controller.
            lease: Under which the run is held already.

        Raises:
            LeaseLostError: Another controller drives it.
            ProviderFailedError: Its machines could not be proven gone.
        """
        controller = self.controller(lease)
        if watch is not None:
            controller.watch = watch
        if cancel_wanted is not None:
            controller.cancel_wanted = cancel_wanted
        if stop_wanted is not None:
            controller.stop_wanted = stop_wanted
        run = controller.drive(run_id)
        self._clouds.close(run)
        self._keep_figures(run)
        return run

    def _keep_figures(self, run: Run) -> None:
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

    def cancel(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Ask for the run's end and return once its machines are proven gone.

        Cancelling twice, or after the end, changes nothing.
        """
        self.store.load(run_id)
        self.store.request_cancel(run_id, self.clock.now())
        return self.wait(run_id, timeout_s=timeout_s)

    def wait(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Return the run once it has ended; drive it here if nobody else does.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``.
        """
        for _ in range(int(timeout_s / WAIT_POLL_S) + 1):
            run = self.store.load(run_id)
            if run.ended:
                return run
            try:
                return self.drive(run_id)
            except LeaseLostError:
                self.clock.sleep(WAIT_POLL_S)
        raise DriveTimeoutError(
            f"run {run_id} is still {run.state} after {timeout_s:.0f} s; its controller goes on",
            run=run_id,
            state=run.state.value,
        )

    def show(self, run_id: str) -> RunView:
        """The run with its timeline and its bill."""
        from engine.runs.view import RunView
        from pricing.run_charges import charges

        run = self.store.load(run_id)
        with self._reading() as conn:
            bill = charges.bill_of(conn, run_id)
        return RunView(run, self.store.timeline(run_id), bill)

    def runs(self, account: str | None = None) -> Sequence[Run]:
        """All runs, newest first; of one account if named."""
        return self.store.list(account_id=account)

    def new_lease(self) -> Lease:
        """A lease of this process that no run is held by yet."""
        from engine.runs.leases.lease import new_lease

        return new_lease(secrets.token_hex(4))

    def controller(self, lease: Lease | None = None) -> Controller:
        """A controller for callers that want to watch every step; without a lease, its own."""
        from engine.runs.controller import Controller

        return Controller(
            db=self._db,
            open_cloud=lambda run: self._clouds.open(run, self.store),
            clock=self.clock,
            folder=self.folder,
            lease=lease or self.new_lease(),
            payer=self.payer,
        )
