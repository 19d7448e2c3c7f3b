"""Windows: the load as a series over time, and what the plan would have had there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from engine.load.figures import Window
from engine.load.histogram import MS_PER_S, percentile_ms
from engine.load.tally import WINDOWS_MAX, Tally
from engine.scenario import Scenario
from engine.scenario.profile import iteration_s_of

Levels = Sequence[Sequence[int]]
"""Pairs of a second of the load and the users from then on."""

REMAINDER = 0.1
"""Of a window: what is shorter at the end is part of the last."""


class PlannedPace(Struct, frozen=True):
    """How often the users of a test make requests.

    Attributes:
        shares: For each class of users, which part of them is of it, and their mean think time in
            seconds.
        iteration_s: How long a user of an open model stays; None: users do not arrive. Who would
            think for longer makes a request in each such time.
    """

    shares: tuple[tuple[float, float], ...]
    iteration_s: float | None = None

    def requests_per_s(self, users: float, response_s: float) -> float | None:
        """What so many users make where answers take so long; None: without end."""
        turns = [(share, self._turn_s(think_s, response_s)) for share, think_s in self.shares]
        if any(turn_s <= 0 for _, turn_s in turns):
            return None
        return users * sum(share / turn_s for share, turn_s in turns)

    def _turn_s(self, think_s: float, response_s: float) -> float:
        if self.iteration_s is not None and think_s > self.iteration_s:
            return max(self.iteration_s, response_s)
        return think_s + response_s


def planned_pace(scenario: Scenario) -> PlannedPace | None:
    """The pace of a scenario's users; None: a program plays, and its pace is its own."""
    classes = scenario.user_classes
    if scenario.program is not None or not classes:
        return None
    whole = sum(each.weight for each in classes)
    return PlannedPace(
        tuple((each.weight / whole, sum(each.think_time_s) / 2) for each in classes),
        iteration_s_of(scenario.profile),
    )


def windows_of(
    tally: Mapping[str, Any],
    levels: Levels | None,
    load_s: float,
    pace: PlannedPace | None,
    p50_ms: int | None,
) -> tuple[Window, ...]:
    """The load as a series, without a gap: where nothing was answered, there is a window too.

    Args:
        tally: As ``engine.load.tally.Tally.document`` gives it.
        levels: Users; None: nobody knows.
        load_s: How long load was put on.
        pace: Of the test's users.
        p50_ms: Median response time of the whole load.
    """
    found = Tally()
    found.add(tally)
    while load_s / found.window_s > WINDOWS_MAX:
        found.widen()
    width_s = found.window_s
    last = max(0, math.ceil(load_s / width_s - REMAINDER) - 1)
    merged = Counter[tuple[int, str]]()
    times: dict[int, Counter[int]] = {}
    for number, each in found.windows.items():
        at = min(number, last)
        merged[at, "requests"] += each.requests
        merged[at, "failures"] += each.failures
        times.setdefault(at, Counter()).update(each.times)
    return tuple(
        _window(
            number * width_s,
            width_s if number < last else max(load_s - number * width_s, REMAINDER),
            merged[number, "requests"],
            merged[number, "failures"],
            sorted(times.get(number, {}).items()),
            levels,
            (pace, p50_ms),
        )
        for number in range(last + 1)
    )


def _window(
    from_s: float,
    length_s: float,
    requests: int,
    failures: int,
    times: Sequence[tuple[int, int]],
    levels: Levels | None,
    planned: tuple[PlannedPace | None, int | None],
) -> Window:
    most, mean = (None, None) if levels is None else _users(levels, from_s, from_s + length_s)
    pace, p50_ms = planned
    planned_per_s = None
    if pace is not None and mean is not None:
        planned_per_s = pace.requests_per_s(mean, (p50_ms or 0) / MS_PER_S)
    return Window(
        from_s=from_s,
        length_s=length_s,
        users=most,
        requests=requests,
        failures=failures,
        requests_per_s=requests / length_s,
        planned_requests_per_s=planned_per_s,
        p50_ms=percentile_ms(times, 50),
        p95_ms=percentile_ms(times, 95),
        p99_ms=percentile_ms(times, 99),
    )


def _users(levels: Levels, from_s: float, until_s: float) -> tuple[int, float]:
    """Most users, and the mean of them, between two instants."""
    most, user_s = 0, 0.0
    for begin_s, end_s, users in _stretches(levels):
        overlap_s = min(end_s, until_s) - max(begin_s, from_s)
        if overlap_s > 0:
            most = max(most, users)
            user_s += users * overlap_s
    return most, user_s / (until_s - from_s)


def _stretches(levels: Levels) -> Iterator[tuple[float, float, int]]:
    """From when until when there were how many users."""
    ends = [*((float(at_s), users) for at_s, users in levels), (math.inf, 0)]
    for (from_s, users), (until_s, _) in pairwise(ends):
        yield from_s, until_s, users
