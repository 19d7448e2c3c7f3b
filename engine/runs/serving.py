"""A process that drives the open runs of a database, several at a time, and shares them.

Each run is driven in a thread of its own under a lease of its own, so that to lose one is not to
lose the others. A run whose controller died is free as soon as its lease is; what a run raises is
said, and the run is tried again after a pause that grows.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from engine.runs.backoff import Pauses
from engine.runs.leases.claims import claim, open_runs
from engine.runs.leases.lease import Lease
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.states import Run
from engine.runs.reaper.heartbeats import REAP_EVERY_S
from kernel.clock import Clock, SystemClock
from kernel.errors import LoadmusterError

AT_ONCE = 8
LOOK_EVERY_S = 1.0
"""Between two looks for free runs while there is none."""
TURN_S = 0.1
FAILED_LOOKS_MAX = 20
"""Looks at the database that may fail in a row, with growing pauses: about an hour."""

_DATABASE = "the database"

Drive = Callable[[str, Lease], Run]
"""Drives a run that the lease holds until it has ended, or a stop is wanted."""


def _say_nothing(_line: str) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class RunServer:
    """Takes runs and drives them until it is told to stop.

    Attributes:
        db: Where the runs are.
        drive: Drives one of them; called in threads.
        new_lease: Makes a lease for each run that is taken.
        stop_wanted: True: take no more. ``drive`` asks the same, and gives its run back.
        at_once: Most runs driven at the same time.
        until_idle: Stop by itself once no run is open, here or elsewhere.
        not_by: Leave alone the runs of accounts that live by the real clock (false), or by a test
            clock (true); they are told and not waited for.
        reap: Looks for orphans and says what it found; called every ``reap_every_s``, in a thread.
        reap_every_s: 0: never.
        late_reaps: Says where no reaper has looked for too long, empty: nowhere; asked as often,
            since a reaper that hangs does not come back to say so.
        say: Told what happens, a line at a time.
        clock: Of the machine: leases and pauses live by it.
    """

    db: Engine
    drive: Drive
    new_lease: Callable[[], Lease]
    stop_wanted: Callable[[], bool]
    at_once: int = AT_ONCE
    until_idle: bool = False
    not_by: bool | None = None
    reap: Callable[[], str] = str
    reap_every_s: float = 0.0
    late_reaps: Callable[[], str] = str
    say: Callable[[str], None] = _say_nothing
    clock: Clock = field(default_factory=SystemClock)
    _driving: dict[str, Future[Run]] = field(default_factory=dict, init=False)
    _reaping: Future[str] | None = field(default=None, init=False)
    _reap_at: datetime | None = field(default=None, init=False)
    _heard_at: datetime | None = field(default=None, init=False)
    _look_at: datetime | None = field(default=None, init=False)
    _pauses: Pauses = field(default_factory=Pauses, init=False)
    _counts: Counter[str] = field(default_factory=Counter, init=False)
    _failed_looks: int = field(default=0, init=False)
    _idle: bool = field(default=False, init=False)
    _left_alone: int = field(default=0, init=False)

    def serve(self) -> Counter[str]:
        """Serve until a stop is wanted, or nothing is left to do.

        Returns:
            How many runs were ``taken``, ``completed``, ``cancelled``, ``failed``, given back
            (``released``), lost to another controller (``lost``), or raised an error (``errors``).

        Raises:
            LoadmusterError: The database could not be reached for too long.
        """
        with ThreadPoolExecutor(self.at_once + 1, thread_name_prefix="run") as threads:
            error: LoadmusterError | None = None
            while error is None and not self.stop_wanted():
                self._collect()
                self._reap_if_due(threads)
                self._listen_for_the_reaper()
                error = self._look_and_take(threads)
                if self.until_idle and self._idle:
                    break
                self.clock.sleep(TURN_S)
            if error is not None:
                raise error
            while self._driving or self._reaping is not None:
                self._collect()
                self.clock.sleep(TURN_S)
        return self._counts

    def _look_and_take(self, threads: ThreadPoolExecutor) -> LoadmusterError | None:
        """Take free runs while there is room; the error, if looking has failed for too long."""
        now = self.clock.now()
        if len(self._driving) >= self.at_once or (
            self._look_at is not None and now < self._look_at
        ):
            return None
        try:
            while len(self._driving) < self.at_once and self._take(threads):
                pass
            others = self._count_left_alone()
            self._idle = not self._driving and open_runs(self.db) == others
        except LoadmusterError as error:
            self._failed_looks += 1
            wait_s = self._pauses.failed(_DATABASE, now)
            self.say(f"{error.line}; looking again in {wait_s:.0f} s")
            self._look_at = now + timedelta(seconds=wait_s)
            return error if self._failed_looks >= FAILED_LOOKS_MAX else None
        self._failed_looks = 0
        self._pauses.succeeded(_DATABASE)
        if len(self._driving) < self.at_once:
            self._look_at = now + timedelta(seconds=LOOK_EVERY_S)
        return None

    def _count_left_alone(self) -> int:
        """How many open runs live by the other clock; said whenever it is another number."""
        if self.not_by is None:
            return 0
        count = open_runs(self.db, by=self.not_by)
        if count != self._left_alone:
            self._left_alone = count
            clock, served = ("a test", "with") if self.not_by else ("the real", "without")
            self.say(
                f"open runs of accounts that live by {clock} clock: {count:,}, left alone;"
                f" `loadmuster serve` {served} --now takes them"
            )
        return count

    def _take(self, threads: ThreadPoolExecutor) -> bool:
        now = self.clock.now()
        lease = self.new_lease()
        left_alone = self._pauses.paused(now) | self._driving.keys()
        run_id = claim(self.db, lease, now, passing_over=left_alone, not_by=self.not_by)
        if run_id is None:
            return False
        self._counts["taken"] += 1
        self.say(f"{run_id}: taken")
        self._driving[run_id] = threads.submit(self.drive, run_id, lease)
        return True

    def _collect(self) -> None:
        for run_id, future in list(self._driving.items()):
            if future.done():
                del self._driving[run_id]
                # There is room now, and this run may want to be taken again.
                self._look_at = None
                self._account_for(run_id, future)
        if self._reaping is not None and self._reaping.done():
            error = self._reaping.exception()
            self.say(_told(error) if error is not None else self._reaping.result())
            self._reaping = None

    def _account_for(self, run_id: str, future: Future[Run]) -> None:
        error = future.exception()
        if error is None:
            run = future.result()
            self._pauses.succeeded(run_id)
            end = "released" if run.outcome is None or not run.ended else run.outcome.value
            self._counts[end] += 1
            said = f"given back while {run.state}" if end == "released" else end
            self.say(f"{run_id}: {said}{f', {run.reason}' if run.ended and run.reason else ''}")
        elif isinstance(error, LeaseLostError):
            self._counts["lost"] += 1
            self.say(f"{run_id}: another controller drives it")
        else:
            self._counts["errors"] += 1
            wait_s = self._pauses.failed(run_id, self.clock.now())
            self.say(f"{run_id}: {_told(error)}; left alone for {wait_s:.0f} s")

    def _reap_if_due(self, threads: ThreadPoolExecutor) -> None:
        now = self.clock.now()
        due = self._reap_at is None or now >= self._reap_at
        if self.reap_every_s > 0 and due and self._reaping is None:
            self._reap_at = now + timedelta(seconds=self.reap_every_s)
            self._reaping = threads.submit(self.reap)

    def _listen_for_the_reaper(self) -> None:
        """Once a period, beginning a period after the start."""
        now = self.clock.now()
        if self._heard_at is None:
            self._heard_at = now
        if now < self._heard_at + timedelta(seconds=self.reap_every_s or REAP_EVERY_S):
            return
        self._heard_at = now
        # Of a database that does not answer it is told elsewhere.
        with suppress(LoadmusterError):
            if late := self.late_reaps():
                self.say(late)


def _told(error: BaseException) -> str:
    """One line for what was foreseen; for a fault of our own, all that is known of it."""
    if isinstance(error, LoadmusterError):
        return error.line
    return "".join(traceback.format_exception(error)).rstrip()
