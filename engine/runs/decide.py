"""What to do next for a run: one pure function of the run, what is observed, and the time.

Level-triggered: it looks at what is, never at what was just done, so it gives the same answer to
the controller that did the last step and to one that has just taken over.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from engine.load.driver import LoadPhase, LoadProgress
from engine.load.excess import excess
from engine.runs.model.sighting import Sighting
from engine.runs.model.states import Limits, Outcome, Run, RunState
from providers.contract import Machine, MachineState


class Observed(Struct, frozen=True):
    """What the provider and the load say now."""

    machines: tuple[Machine, ...] = ()
    progress: LoadProgress | None = None

    @property
    def machine_count(self) -> int:
        """Machines proper: what only holds the parts of some is none."""
        return sum(one.state is not MachineState.LEFTOVER for one in self.machines)

    def sighting(self, at: datetime, before: Sighting | None = None) -> Sighting:
        """What is kept of it for others who wait for the run.

        Args:
            at: When it was seen.
            before: What was kept at the look before, of which some stays true.
        """
        known = before is not None and before.load_at_fault
        seen = self.progress is not None and self.progress.load_at_fault
        return Sighting(at, self.machine_count, self.progress, load_at_fault=known or seen)


class RecordIntent(Struct, frozen=True):
    """Charge the quote and put the intent to launch on record, in one transaction."""


class Launch(Struct, frozen=True):
    """Send the create call, or send it again with the same token."""


class RecordLoadStart(Struct, frozen=True):
    """Load flows: put the instant on record."""


class BeginRelease(Struct, frozen=True):
    """Put on record how the run ends, and that its machines must go."""

    outcome: Outcome
    reason: str = ""


class Release(Struct, frozen=True):
    """Ask the provider to end every machine of the run."""


class Wait(Struct, frozen=True):
    """Look again in a moment."""


class GiveUp(Struct, frozen=True):
    """The machines could not be proven gone in time: stop, and say so. The run stays open."""


class End(Struct, frozen=True):
    """Machines proven gone, or never asked for: settle and close."""

    outcome: Outcome
    reason: str = ""


Action = RecordIntent | Launch | RecordLoadStart | BeginRelease | Release | Wait | GiveUp | End

CANCELLED = "cancelled on request"


def decide(
    run: Run, observed: Observed, now: datetime, limits: Limits, since: datetime | None = None
) -> Action:
    """The next action for a run that has not ended.

    Args:
        run: As it is on record.
        observed: What is seen.
        now: The instant of the decision.
        limits: How long each phase may take.
        since: When this controller took the run over: a release that another could not prove in
            its time is tried for as long again.
    """
    match run.state:
        case RunState.ACCEPTED:
            if run.cancel_at is not None:
                return End(Outcome.CANCELLED, "cancelled before any machine was asked for")
            return RecordIntent()
        case RunState.RELEASING:
            return _releasing(run, observed, now, limits, since)
        case RunState.LAUNCHING | RunState.STARTING | RunState.RUNNING if run.cancel_at is not None:
            return BeginRelease(Outcome.CANCELLED, CANCELLED)
        case RunState.LAUNCHING:
            if _older(run.intent_at, limits.launch_s, now):
                return BeginRelease(Outcome.FAILED, f"not launched within {limits.launch_s:.0f} s")
            return Launch()
        case RunState.STARTING:
            return _starting(run, observed, now, limits)
        case RunState.RUNNING:
            return _running(run, observed, now, limits)
        case RunState.ENDED:
            raise AssertionError("nothing is decided for a run that has ended")


def _starting(run: Run, observed: Observed, now: datetime, limits: Limits) -> Action:
    progress = observed.progress
    if progress is not None and progress.phase is LoadPhase.FAILED:
        return BeginRelease(Outcome.FAILED, progress.message or "the injectors failed to start")
    if progress is not None and progress.phase in (LoadPhase.FLOWING, LoadPhase.DONE):
        return RecordLoadStart()
    alive = sum(machine.is_up for machine in observed.machines)
    wanted = run.machines_wanted
    if alive < run.order.least_of(wanted) and _older(run.launched_at, limits.visibility_s, now):
        return BeginRelease(
            Outcome.FAILED, f"{wanted - alive} of {wanted} machines were lost before the start"
        )
    if _older(run.launched_at, limits.start_s, now):
        return BeginRelease(Outcome.FAILED, f"no load within {limits.start_s:.0f} s of the launch")
    return Wait()


def _running(run: Run, observed: Observed, now: datetime, limits: Limits) -> Action:
    progress = observed.progress
    assert progress is not None, "a running load reports progress"
    quoted_users = run.order.quoted_users
    unquoted = None if quoted_users is None else excess(quoted_users, progress.peak_users)
    if unquoted is not None:
        # Also of a load that is over by now: how short it was is no excuse.
        return BeginRelease(Outcome.STOPPED, unquoted)
    if progress.phase is LoadPhase.DONE:
        return BeginRelease(Outcome.COMPLETED)
    if progress.phase is LoadPhase.FAILED:
        return BeginRelease(Outcome.FAILED, progress.message or "the load ended early")
    if not any(machine.is_up for machine in observed.machines):
        return BeginRelease(Outcome.FAILED, "all machines were lost while load was flowing")
    if _older(run.load_started_at, run.order.load_s + limits.overrun_s, now):
        return BeginRelease(
            Outcome.FAILED, f"the load did not end within {limits.overrun_s:.0f} s of its plan"
        )
    return Wait()


def _releasing(
    run: Run, observed: Observed, now: datetime, limits: Limits, since: datetime | None
) -> Action:
    assert run.outcome is not None, "a release knows how the run ends"
    assert run.release_at is not None, "a release knows when it began"
    if not observed.machines:
        # The create call may have worked without our hearing of it, and what it made may not show
        # yet: keep looking, keep asking.
        if not _older(run.launched_at or run.release_at, limits.visibility_s, now):
            return Release()
        return End(run.outcome, run.reason)
    tried_since = run.release_at if since is None else max(run.release_at, since)
    if _older(tried_since, limits.release_s, now):
        return GiveUp()
    stopping = not any(machine.is_up for machine in observed.machines)
    if stopping and not _older(run.release_at, limits.stop_s, now):
        return Wait()
    # One that takes so long may never have been told: its releaser may have died on the way.
    return Release()


def _older(since: datetime | None, than_s: float, now: datetime) -> bool:
    return since is not None and (now - since).total_seconds() >= than_s
