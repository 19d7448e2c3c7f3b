"""Room: a disk that fills up while a run is driven, under the database or under its folder.

What cannot be written is tried again for a while, since room may be made, and its load goes on
meanwhile. After that nothing is left to cost money: the machines are released although it cannot be
put on record, and whoever drives the run next, once there is room, finds them gone, settles what
was played and ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from engine.database import DatabaseFullError
from engine.runs.clouds.cloud import OpenCloud
from engine.runs.model.states import Run, RunState
from kernel.clock import Clock
from kernel.disk import free_space, is_no_room
from kernel.errors import LoadmusterError, ProviderFailedError

LOOKS = 10
WAIT_S = 2.0
"""Between two tries to write what there was no room for."""


class NoRoomError(ProviderFailedError):
    """The disk is full: what could not be written, and what became of the run; facts: ``run``."""

    code = "no_room"


class WaitingForRoom(Struct, frozen=True):
    """What is done about a disk that is full.

    Attributes:
        load: The run as it is on record.
        open_cloud: Connects to the cloud of a run.
        clock: The clock that the runs live by.
        folder: Under which each run has a folder of its own.
        tell: Told at once that the disk is full.
        wait_s: Between two tries.
    """

    load: Callable[[str], Run]
    open_cloud: OpenCloud
    clock: Clock
    folder: Path
    tell: Callable[[str], None]
    wait_s: float = WAIT_S

    def drive(self, run_id: str, drive: Callable[[], Run]) -> Run:
        """Drive a run, again and again while there is no room, with a bound.

        Args:
            run_id: The run.
            drive: Drives it from where it is on record.

        Raises:
            NoRoomError: There is none still; nothing of the run is left that costs money, or the
                message says what.
        """
        for look in range(LOOKS):
            try:
                return drive()
            except (DatabaseFullError, OSError) as error:
                told = self._told(error, run_id)
                if told is None:
                    raise
                if look == 0:
                    self.tell(f"{told}; the run goes on, and is ended if no room is made soon")
            self.clock.sleep(self.wait_s)
        return self._last_drive(run_id, drive)

    def _last_drive(self, run_id: str, drive: Callable[[], Run]) -> Run:
        try:
            return drive()
        except (DatabaseFullError, OSError) as error:
            told = self._told(error, run_id)
            if told is None:
                raise
            raise NoRoomError(
                f"{told}; {self._let_go(run_id)}; once there is room, `loadmuster serve` or "
                f"`loadmuster cancel {run_id}` settles the run",
                run=run_id,
            ) from error

    def _told(self, error: DatabaseFullError | OSError, run_id: str) -> str | None:
        """What cannot be written; None: it is not for lack of room."""
        if isinstance(error, DatabaseFullError):
            return error.message
        if not is_no_room(error):
            return None
        path = Path(error.filename or self.folder / run_id)
        return f"{path}: cannot be written: {error.strerror}{free_space(path, error)}"

    def _let_go(self, run_id: str) -> str:
        """Release the machines, and see them gone; what became of them, for people."""
        try:
            run = self.load(run_id)
            if run.state is RunState.ACCEPTED:
                return f"run {run_id} has no machines"
            cloud = self.open_cloud(run)
            for _ in range(LOOKS):
                cloud.release(run)
                if not cloud.observe(run):
                    return f"the machines of run {run_id} are gone"
                self.clock.sleep(cloud.limits.poll_s)
        except (LoadmusterError, OSError) as error:
            return f"the machines of run {run_id} could not be released: {error}"
        return f"the machines of run {run_id} were told to end, and are not gone yet"
