"""How many users the load generator has to hold, second by second."""

from __future__ import annotations

import math

from msgspec import Struct

from engine.load.driver import UnrunnableScenarioError
from engine.scenario.profile import ClosedProfile, Curve, LoadProfile

STEP_S = 1.0
"""Load generators are told a new number of users about once a second."""

CPU_WINDOW_S_MAX = 10.0
"""Locust's own; a short load is looked at ten times all the same."""

_NOISE = 1e-9
"""Interpolation may land this much above a whole number of users."""


class UserPlan(Struct, frozen=True):
    """Users over the seconds that the load takes to play.

    Attributes:
        curve: Users over seconds.
        peak_users: Never more than this many at once.
        approximation: What was assumed to get from the profile to users; empty: nothing.
    """

    curve: Curve
    peak_users: int
    approximation: str = ""

    @property
    def duration_s(self) -> float:
        """Seconds that the load takes to play."""
        return self.curve.duration_s

    def users_for(self, at_s: float, most_so_far: int) -> int:
        """Whole users for the step that begins at ``at_s``.

        They are the curve's level in the middle of the step, so that the area under the steps is
        the area under the curve. A peak that no step has held by the time the curve leaves it, a
        short spike for example, is held by this one.

        Args:
            at_s: Seconds from the start of the load; steps come late when the machine is busy.
            most_so_far: The most users that any step before had.
        """
        until_s = at_s + STEP_S
        level = self.curve.level_at((at_s + min(until_s, self.duration_s)) / 2)
        left_peak_s = max(
            point.at_s for point in self.curve.points if point.level == self.curve.peak
        )
        if most_so_far < self.peak_users and left_peak_s <= until_s:
            return self.peak_users
        return min(math.ceil(level - _NOISE), self.peak_users)


def cpu_window_s(duration_s: float) -> float:
    """Over how long the processor's use is measured each time, in a load of so many seconds."""
    return min(CPU_WINDOW_S_MAX, max(1.0, duration_s / 10))


def plan_users(profile: LoadProfile, time_scale: float = 1.0) -> UserPlan:
    """The plan for a profile, played ``time_scale`` times as fast.

    A closed profile is its own plan. Arrivals are approximated by the users that are active at
    once when arrivals and departures balance (Little's law: rate times stay), capped as the
    profile says. The approximation smooths bursts that are shorter than a user's stay.

    Raises:
        UnrunnableScenarioError: An open profile does not say how long a user stays.
    """
    if isinstance(profile, ClosedProfile):
        curve, peak_users, approximation = profile.users, profile.peak_users, ""
    else:
        balanced, peak = profile.users, profile.peak_users
        if balanced is None or peak is None:
            raise UnrunnableScenarioError(
                "load: a profile of arrivals can be run only when the length of one iteration is "
                "known; give it with --iteration-seconds, or say the load in users"
            )
        curve, peak_users = balanced, peak
        approximation = (
            f"arrivals were approximated by users: arrivals per second x {profile.iteration_s:g} s"
        )
    return UserPlan(
        curve.stretched(duration_s=curve.duration_s / time_scale), peak_users, approximation
    )
