"""Driving a run here: by a controller of this process, on the run's own clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.commands.context import EngineContext
from engine.commands.run_figures import keep_figures
from engine.runs.model.states import Run
from kernel.errors import LoadmusterError

if TYPE_CHECKING:
    from engine.commands.run_clocks import RunClocks
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.leases.lease import Lease


class RunDriving(Struct, frozen=True):
    """Drives runs.

    Attributes:
        context: Of the engine.
        clocks: Which clock a run lives by.
        controller: Makes a controller; without a lease, with its own.
    """

    context: EngineContext
    clocks: RunClocks
    controller: Callable[[Lease | None], Controller]

    def drive(
        self,
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool] | None = None,
        tell: Callable[[str], None] | None = None,
        lease: Lease | None = None,
        is_left: bool = False,
    ) -> Run:
        """Drive the run until it has ended, or a stop is wanted.

        Args:
            run_id: The run.
            watch: As ``RunCommands.drive``; so for the next four.
            cancel_wanted: Asked whether to end it.
            stop_wanted: Asked whether to leave it, open.
            tell: Told what hinders it.
            lease: Under which it is held already.
            is_left: What breaks the drive off leaves the run, too; else it ends it.
        """
        from engine.runs.interrupted import drive_or_end

        known = self.context.store.load(run_id)
        controller = self.controller(lease)
        if not known.ended:
            controller.clock = self.clocks.to_drive(known)
        if watch is not None:
            controller.watch = watch
        if cancel_wanted is not None:
            controller.cancel_wanted = cancel_wanted
        if stop_wanted is not None:
            controller.stop_wanted = stop_wanted
        if tell is not None:
            controller.tell = tell
        try:
            run = controller.drive(run_id) if is_left else drive_or_end(controller, run_id)
        finally:
            self._put_cloud_away(run_id)
        keep_figures(run)
        return run

    def _put_cloud_away(self, run_id: str) -> None:
        """A rehearsed cloud outlives its run by nothing, also of one that was ended on the way out.

        Where the database fails, what the drive raised is what counts.
        """
        with suppress(LoadmusterError):
            self.context.clouds.close(self.context.store.load(run_id))
