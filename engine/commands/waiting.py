"""Waiting for a run that somebody else may drive: with a hand in it, or only looking on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.runs.model.errors import DriveTimeoutError, LeaseLostError
from engine.runs.model.states import Run

if TYPE_CHECKING:
    from engine.runs.decide import Observed

WAIT_POLL_S = 0.2
WATCH_POLL_S = 0.5
WAIT_S_MAX = 24 * 3600.0

ALONE_LOOKS = 6
"""Looks that find nobody driving a run before a controller is started: one may be on its way."""

STARTS_MAX = 3
"""Controllers that one caller starts for a run, each after the one before died."""


class Drive(Protocol):
    """Drives a run here until it has ended."""

    def __call__(
        self,
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool],
    ) -> Run:
        """As ``RunCommands.drive``, but for an exception on the way, which ends the run."""
        ...


class RunWaiting(Struct, frozen=True):
    """Waits for runs.

    Attributes:
        load: The run as it is on record.
        drive: Drives it here.
        drive_elsewhere: Starts a controller process for it.
        since_unattended: Since when nobody has driven it; None: somebody does, or it has ended.
        now: The time, by the clock of the runs.
        sleep: Waits on that clock.
    """

    load: Callable[[str], Run]
    drive: Drive
    drive_elsewhere: Callable[[str], None]
    since_unattended: Callable[[str], datetime | None]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]

    def wait(
        self,
        run_id: str,
        *,
        timeout_s: float,
        enough: Callable[[], bool] | None,
        callback: Callable[[Run], None] | None,
    ) -> Run:
        """As ``RunCommands.wait``."""
        until = self.now() + timedelta(seconds=timeout_s)
        tell = callback or _ignore
        for _ in range(_looks(timeout_s, WAIT_POLL_S)):
            run = self.load(run_id)
            if run.ended or (enough is not None and enough()):
                tell(run)
                return run
            try:
                run = self._drive(run_id, until, enough, callback)
            except LeaseLostError:
                tell(run)
                self.sleep(WAIT_POLL_S)
                continue
            if run.ended:
                tell(run)
                return run
            # The time is up, and the run must not stand still because of it.
            self.drive_elsewhere(run_id)
            break
        raise self._still_open(run, timeout_s)

    def watch(self, run_id: str, *, timeout_s: float) -> Iterator[Run]:
        """As ``RunCommands.watch``."""
        for _ in range(_looks(timeout_s, WATCH_POLL_S)):
            run = self.load(run_id)
            yield run
            if run.ended:
                return
            self.sleep(WATCH_POLL_S)
        raise self._still_open(run, timeout_s)

    async def watch_async(self, run_id: str, *, timeout_s: float) -> AsyncIterator[Run]:
        """As ``RunCommands.watch_async``."""
        for _ in range(_looks(timeout_s, WATCH_POLL_S)):
            run = await asyncio.to_thread(self.load, run_id)
            yield run
            if run.ended:
                return
            await asyncio.sleep(WATCH_POLL_S)
        raise await asyncio.to_thread(self._still_open, run, timeout_s)

    async def wait_async(
        self, run_id: str, *, timeout_s: float, callback: Callable[[Run], None] | None
    ) -> Run:
        """As ``RunCommands.wait_async``."""
        alone = starts = 0
        for _ in range(_looks(timeout_s, WATCH_POLL_S)):
            run = await asyncio.to_thread(self.load, run_id)
            if callback is not None:
                with self._left_as_it_is(run):
                    callback(run)
            if run.ended:
                return run
            unattended = await asyncio.to_thread(self.since_unattended, run_id)
            alone = 0 if unattended is None else alone + 1
            if alone > ALONE_LOOKS and starts < STARTS_MAX:
                alone, starts = 0, starts + 1
                await asyncio.to_thread(self.drive_elsewhere, run_id)
            await asyncio.sleep(WATCH_POLL_S)
        raise await asyncio.to_thread(self._still_open, run, timeout_s)

    def _drive(
        self,
        run_id: str,
        until: datetime,
        cancel_wanted: Callable[[], bool] | None,
        callback: Callable[[Run], None] | None,
    ) -> Run:
        """Drive the run here until it has ended, or for as long as there is time."""

        def is_time_up() -> bool:
            return self.now() >= until

        if callback is None:
            return self.drive(run_id, cancel_wanted=cancel_wanted, stop_wanted=is_time_up)

        def tell(run: Run, observed: Observed) -> None:
            callback(replace(run, last_seen=observed.sighting(self.now(), run.last_seen)))

        return self.drive(run_id, watch=tell, cancel_wanted=cancel_wanted, stop_wanted=is_time_up)

    @contextmanager
    def _left_as_it_is(self, run: Run) -> Iterator[None]:
        """Say with an exception of the caller's that nobody drives the run, where nobody does."""
        try:
            yield
        except BaseException as error:
            if self.since_unattended(run.id) is not None:
                error.add_note(_alone(run))
            raise

    def _still_open(self, run: Run, timeout_s: float) -> DriveTimeoutError:
        run = self.load(run.id)
        alone = self.since_unattended(run.id) is not None
        return DriveTimeoutError(
            f"run {run.id} is still {run.state} after {timeout_s:g} s; "
            + (_alone(run) if alone else "its controller goes on"),
            run=run.id,
            state=run.state.value,
        )


def _looks(timeout_s: float, every_s: float) -> int:
    return int(timeout_s / every_s) + 1


def _alone(run: Run) -> str:
    """What is to be known of a run that nobody drives."""
    return (
        f"nobody drives run {run.id}: engine.runs.wait({run.id!r}) does, and "
        f"engine.runs.cancel({run.id!r}) or `loadmuster cancel {run.id}` ends it"
    )


def _ignore(_: Run) -> None:
    """Nobody is told."""
