"""A run that was accepted: driven here or elsewhere, cancelled, and waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.driving import RunDriving
from engine.commands.recorded_runs import RecordedRunCommands
from engine.commands.waiting import WAIT_S_MAX, RunWaiting
from engine.runs.model.states import Run
from kernel.clock import SystemClock

if TYPE_CHECKING:
    from engine.commands.run_clocks import RunClocks
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.leases.lease import Lease


@checked
class DrivenRunCommands(RecordedRunCommands):
    """Having runs driven to their end, by this process or by others."""

    @property
    def _clocks(self) -> RunClocks:
        from engine.commands.run_clocks import RunClocks

        return RunClocks(self._context)

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
