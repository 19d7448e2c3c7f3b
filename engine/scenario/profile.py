"""Load profiles: how much load a test puts on its target, over time.

A profile is a piecewise linear curve through ``(seconds from start, level)``. A *closed* profile
says how many virtual users are active; users wait for their responses, so a slow target slows the
load down. An *open* profile says how many users arrive per second, whatever the target does; how
many are active at once then depends on how long one iteration takes (Little's law), which the
profile may not know.

Two points at the same second are a jump. The curve is zero before its first and after its last
point.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

USERS_MAX = 100_000_000
"""More users at once than that are a typo."""


class Point(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One corner of a curve: ``level`` users, or arrivals per second, at ``at_s`` seconds.

    In JSON it is a pair.
    """

    at_s: float
    level: float


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """A piecewise linear function of time through at least two points in time order."""

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        """Refuse what is no curve; readers check their input before and name the field."""
        assert len(self.points) > 1, "a curve has a start and an end"
        assert all(a.at_s <= b.at_s for a, b in pairwise(self.points)), "points are in time order"
        assert all(p.at_s >= 0 and p.level >= 0 for p in self.points), "no negative time or level"

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the test to the last point."""
        return self.points[-1].at_s

    @property
    def peak(self) -> float:
        """The highest level."""
        return max(point.level for point in self.points)

    @property
    def area(self) -> float:
        """The integral: user-seconds, or arrivals."""
        return math.fsum(
            (b.at_s - a.at_s) * (a.level + b.level) / 2 for a, b in pairwise(self.points)
        )

    def level_at(self, at_s: float) -> float:
        """The level at ``at_s`` seconds; at a jump, the level after it."""
        if at_s < self.points[0].at_s or at_s > self.duration_s:
            return 0.0
        after = bisect_right(self.points, at_s, key=lambda point: point.at_s)
        if after == len(self.points):
            return self.points[-1].level
        a, b = self.points[after - 1], self.points[after]
        return a.level + (b.level - a.level) * (at_s - a.at_s) / (b.at_s - a.at_s)

    def at_most(self, level: float) -> Curve:
        """The same curve, cut off above a level."""
        corners = [self.points[0]]
        for a, b in pairwise(self.points):
            if (a.level - level) * (b.level - level) < 0 and a.at_s < b.at_s:
                share = (level - a.level) / (b.level - a.level)
                corners.append(Point(a.at_s + share * (b.at_s - a.at_s), level))
            corners.append(b)
        return Curve(tuple(Point(p.at_s, min(p.level, level)) for p in corners))

    def stretched(self, *, duration_s: float | None = None, peak: float | None = None) -> Curve:
        """The same shape, scaled to another length, another peak, or both."""
        length_s = self.duration_s if duration_s is None else duration_s
        top = self.peak if peak is None else peak
        # Rounded, since 991.0000000000001 users would be counted as 992.
        return Curve(
            tuple(
                Point(
                    round(p.at_s * length_s / self.duration_s, 6),
                    round(p.level * top / self.peak, 6),
                )
                for p in self.points
            )
        )


class ClosedProfile(
    Struct, frozen=True, tag_field="kind", tag="closed", forbid_unknown_fields=True
):
    """Virtual users over time."""

    users: Curve

    @property
    def duration_s(self) -> float:
        """Planned length of the test."""
        return self.users.duration_s

    @property
    def peak_users(self) -> int:
        """Most virtual users active at once."""
        return math.ceil(self.users.peak)

    @property
    def user_seconds(self) -> float:
        """Area under the users curve."""
        return self.users.area


class OpenProfile(Struct, frozen=True, tag_field="kind", tag="open", forbid_unknown_fields=True):
    """Arrivals per second over time.

    Attributes:
        arrivals_per_s: The curve of the arrival rate.
        iteration_s: Seconds that one user stays, if known.
        max_users: A cap on users at once, if the test sets one.
    """

    arrivals_per_s: Curve
    iteration_s: float | None = None
    max_users: int | None = None

    @property
    def duration_s(self) -> float:
        """Planned length of the test."""
        return self.arrivals_per_s.duration_s

    @property
    def users(self) -> Curve | None:
        """Users at once where arrivals and departures balance (Little's law), up to the cap.

        None: the length of an iteration is not known.
        """
        stay_s = self.iteration_s
        if stay_s is None:
            return None
        points = self.arrivals_per_s.points
        balanced = Curve(tuple(Point(p.at_s, p.level * stay_s) for p in points))
        return balanced if self.max_users is None else balanced.at_most(self.max_users)

    @property
    def arrivals(self) -> float:
        """Users that arrive in all."""
        return self.arrivals_per_s.area

    @property
    def peak_users(self) -> int | None:
        """Most users at once by Little's law, bounded by the cap; None if neither is known."""
        if self.iteration_s is None:
            return self.max_users
        users = max(1, math.ceil(self.arrivals_per_s.peak * self.iteration_s))
        return users if self.max_users is None else min(users, self.max_users)

    @property
    def user_seconds(self) -> float | None:
        """Planned user-seconds, if the iteration's length is known; no more than the cap allows."""
        users = self.users
        return None if users is None else users.area


LoadProfile = ClosedProfile | OpenProfile


def iteration_s_of(profile: LoadProfile) -> float | None:
    """How long a user who arrives stays; None: nobody knows, or users do not arrive."""
    return profile.iteration_s if isinstance(profile, OpenProfile) else None


def closed(points: Iterable[tuple[float, float]]) -> ClosedProfile:
    """Shorthand for a closed profile through ``(seconds, users)`` pairs."""
    return ClosedProfile(Curve(tuple(Point(at_s, level) for at_s, level in points)))
