"""Which clock a run is driven by: that of its account, since it moves the account's books.

Under the other clock a run is looked at and not driven, as its account is not changed. But machines
are never kept for a clock's sake: a run that may have some can be ended from anywhere. It then goes
on by the clock of its account, from the last instant that is known of it, so that what is put on
record comes after what is there.
"""

from __future__ import annotations

from msgspec import Struct

from engine.commands.context import EngineContext
from engine.runs.leases.attendance import unattended_runs
from engine.runs.model.errors import LeaseLostError
from engine.runs.model.states import Run, RunState
from kernel.clock import Clock, StartingClock, SystemClock
from pricing.accounts.clock import WrongClockError, as_of, check_clock


class RunClocks(Struct, frozen=True):
    """Finds the clocks of runs.

    Attributes:
        context: Whose clock it is that runs are looked at by.
    """

    context: EngineContext

    def to_drive(self, run: Run) -> Clock:
        """The clock for driving an open run; under the other one, for nothing but its end.

        Raises:
            WrongClockError: Its account lives by the other clock, and nobody asked for its end.
            LeaseLostError: So it does, and a controller drives the run by its own.
        """
        if run.cancel_at is not None or run.state is RunState.RELEASING:
            return self.to_end(run)
        try:
            self._check(run)
        except WrongClockError:
            if run.id in unattended_runs(self.context.db, SystemClock().now(), run_id=run.id):
                raise
            raise LeaseLostError(
                f"run {run.id} is driven by another controller", run=run.id
            ) from None
        return self.context.clock

    def to_end(self, run: Run) -> Clock:
        """The clock for ending an open run; under the other one, only if it may have machines.

        Raises:
            WrongClockError: Its account lives by the other clock, and nothing was launched.
        """
        try:
            self._check(run)
        except WrongClockError:
            if run.intent_at is None:
                raise
            return self._own(run)
        return self.context.clock

    def _check(self, run: Run) -> None:
        use = self.context
        with use.reading() as conn:
            check_clock(conn, run.order.account_id, is_test=use.has_test_clock)

    def _own(self, run: Run) -> Clock:
        """The account's, which is not the context's; a test clock goes on from the last known."""
        use = self.context
        if use.has_test_clock:
            return SystemClock()
        known = [event.at for event in use.store.timeline(run.id)]
        known += [at for at in (run.cancel_at, run.release_at) if at is not None]
        if run.last_seen is not None:
            known.append(run.last_seen.at)
        with use.reading() as conn:
            last = as_of(conn, run.order.account_id, max(known), is_test=True)
        return StartingClock(last.instant)
