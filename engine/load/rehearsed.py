"""A load that is only rehearsed: it takes its time, and nothing is put on anything."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from engine.load.driver import LoadPhase, LoadProgress, LoadResult, LoadTask, MachineWork
from engine.load.shape import plan_users
from engine.scenario.profile import LoadProfile, OpenProfile

NO_LOAD = "rehearsal: no load is put on the target"


class RehearsedLoad(Struct, frozen=True):
    """Follows the clock through the planned curve, from the instant that all machines were up."""

    def prepare(self, task: LoadTask) -> MachineWork:
        """Rehearsed machines run nothing."""
        del task
        return MachineWork()

    def progress(self, task: LoadTask, now: datetime) -> LoadProgress:
        """Where the plan is at ``now``; no request is ever counted."""
        if task.started_at is None:
            return LoadProgress(LoadPhase.WAITING, message=NO_LOAD)
        profile = task.scenario.profile
        elapsed_s = max(0.0, (now - task.started_at).total_seconds() * task.time_scale)
        if elapsed_s >= profile.duration_s:
            return LoadProgress(LoadPhase.DONE, elapsed_s=profile.duration_s, message=NO_LOAD)
        users = _users_at(profile, elapsed_s)
        return LoadProgress(LoadPhase.FLOWING, elapsed_s=elapsed_s, users=users, message=NO_LOAD)

    def result(self, task: LoadTask) -> LoadResult | None:
        """Nothing was measured."""
        del task
        return None

    def clean_up(self, task: LoadTask) -> None:
        """Nothing was written."""


def _users_at(profile: LoadProfile, at_s: float) -> int:
    """Planned users; 0 for arrivals of which nobody knows how long they stay."""
    if isinstance(profile, OpenProfile) and profile.iteration_s is None:
        return 0
    plan = plan_users(profile)
    return plan.users_for(at_s, most_so_far=plan.peak_users)
