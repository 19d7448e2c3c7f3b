"""Pace: did the target go on to answer, or did it stop?

A target that stops answering makes its figures look better, since only answers are measured. It
shows where requests have waited for an answer in vain, and where the pace of the answers breaks
off although users are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import quantiles
from typing import Any

from msgspec import Struct

from engine.load.figures import Window
from engine.load.histogram import MS_PER_S, Histogram, percentile_ms
from kernel.words import counted

WAIT_S_MIN = 3.0
"""A request that waits less than that may yet be answered; so may a pause of all answers end."""

WAIT_SAID_S_MIN = 1.0
"""A wait of this length, and longer than any that had an answer, is said, though no more."""

WAITING_PERCENT_MAX = 1
"""Of the requests. More of them without an answer are no accident."""

WAITING_USERS_PERCENT_MAX = 10
"""Of the users, for loads of many requests that stop at their end."""

PAUSE_SHARE_MIN = 0.1
"""Of the load: a shorter pause is in its response times, too."""

PACE_SHARE_MIN = 0.1
"""Of the pace at equal users: below it the target does not answer any more."""

WINDOWS_MIN = 5
"""Fewer windows at equal users say nothing about what their pace is."""

REQUESTS_MIN = 10
"""Fewer that are missing may be chance."""

PACE_SAID_PERCENT_MIN = 75.0
"""Of the planned pace of the whole load: fewer answers are said, though they may be valid."""

REQUESTS_PER_USER_MIN = 3
"""Users that have made fewer may just think for long."""

GAP_FACTOR = 3
"""How much longer than any pause before it the last one is."""


class Unanswered(Struct, frozen=True):
    """Requests that waited in vain, in words, and whether the result is not valid for it."""

    words: str
    is_grave: bool


def nothing_answered(begun: int | None, longest_wait_s: float | None) -> str:
    """What is said where no request had an answer.

    Args:
        begun: Requests; None: not known.
        longest_wait_s: Of all of them; None: likewise.
    """
    if begun is None:
        return "no request was answered; whether any was begun is not known"
    if not begun:
        return "no request was made"
    waited = f", and the longest waited for {longest_wait_s or 0:.1f} s"
    return f"no request was answered: {begun:,} {'was' if begun == 1 else 'were'} begun{waited}"


def unanswered_doubt(
    tally: Mapping[str, Any], histogram: Histogram, requests: int, peak_users: int | None
) -> Unanswered | None:
    """Requests that waited in vain.

    None: there are none, or nobody knows. A request counts that waited longer than any other did
    for its answer: what was on its way when the load ended does not.
    """
    if tally["cut_off"] is None or not requests:
        return None
    slowest_ms = histogram[-1][0] if histogram else 0
    usual_ms = max(2 * (percentile_ms(histogram, 99) or 0), slowest_ms)
    grave_ms, said_ms = (max(s * MS_PER_S, usual_ms) for s in (WAIT_S_MIN, WAIT_SAID_S_MIN))
    may_be_grave = any(time_ms > grave_ms for time_ms, _ in tally["cut_off"])
    least_ms = grave_ms if may_be_grave else said_ms
    waited = sum(count for time_ms, count in tally["cut_off"] if time_ms > least_ms)
    if not waited:
        return None
    begun = tally["begun"] or requests + waited
    share_of_users = peak_users is not None and (
        100 * waited > WAITING_USERS_PERCENT_MAX * peak_users
    )
    longest_s = max(time_ms for time_ms, _ in tally["cut_off"]) / MS_PER_S
    words = (
        f"{waited:,} of {counted(begun, 'request')} had no answer when the load ended; the "
        f"longest had waited for {longest_s:.1f} s, and no answer took more than {slowest_ms:,} ms"
    )
    if may_be_grave and (100 * waited > WAITING_PERCENT_MAX * begun or share_of_users):
        return Unanswered(f"the target stopped answering: {words}", is_grave=True)
    return Unanswered(words, is_grave=False)


def slow_pace(requests: int, load_s: float, planned_per_s: float | None) -> str | None:
    """That fewer requests were answered than the users were to make; None: there were not.

    Args:
        requests: Answered.
        load_s: In how long.
        planned_per_s: As ``LoadResult.planned_requests_per_s``.
    """
    if planned_per_s is None or load_s <= 0:
        return None
    planned = planned_per_s * load_s
    enough = 100 * requests >= PACE_SAID_PERCENT_MIN * planned
    if enough or planned - requests < REQUESTS_MIN:
        return None
    return (
        f"the users made {requests / load_s:,.1f} requests/s, and {planned_per_s:,.1f} were "
        "planned by their think time and the median response time"
    )


def pace_doubts(
    windows: Sequence[Window], planned_s: float, longest_wait_s: float | None = None
) -> Iterator[str]:
    """Stretches in which the target did not go on to answer, though there were users.

    Users may pause all at once because their test says so. Where waits are known, a pause counts
    only if a request waited as long, or failed in it; else only if there is no second like it.

    Args:
        windows: Of the load, without a gap.
        planned_s: How long the load was to be; what comes later is only its end.
        longest_wait_s: Of all requests, answered or not; None: not known.
    """
    within = [each for each in windows if each.from_s + each.length_s <= planned_s + 1]
    pause_s = max(WAIT_S_MIN, PAUSE_SHARE_MIN * _length_s(within))
    found = [
        (stretch, expected)
        for stretch, expected in _low_stretches(within, pause_s)
        if longest_wait_s is None
        or longest_wait_s >= pause_s
        or any(each.failures for each in stretch)
    ]
    if longest_wait_s is not None or len(found) == 1:
        yield from (_broken_off(*each) for each in found)
    waited = longest_wait_s is None or longest_wait_s >= pause_s
    if not found and waited and (silence := _last_silence(within, pause_s)):
        yield _broken_off(silence, _length_s(silence) * _mean_per_s(within, silence))


def _low_stretches(
    windows: Sequence[Window], pause_s: float
) -> Iterator[tuple[Sequence[Window], float]]:
    """Long stretches far below the pace at equal users, with what that would have been.

    One at the beginning is none: nothing was answered before it.
    """
    begun = False
    for low, stretch in groupby(windows, key=lambda each: _is_low(each, windows)):
        found = list(stretch)
        if low and begun and _length_s(found) >= pause_s:
            expected = sum((_usual_per_s(each, windows) or 0) * each.length_s for each in found)
            if expected >= REQUESTS_MIN:
                yield found, expected
        begun = begun or any(each.answered for each in found)


def _broken_off(stretch: Sequence[Window], expected: float) -> str:
    until_s = stretch[-1].from_s + stretch[-1].length_s
    answered = sum(each.answered for each in stretch)
    return (
        f"the target stopped answering: from {stretch[0].from_s:.0f} s to {until_s:.0f} s of the "
        f"load {answered:,} of about {expected:,.0f} requests were answered as before"
    )


def _is_low(window: Window, windows: Sequence[Window]) -> bool:
    usual = _usual_per_s(window, windows)
    return usual is not None and window.answered / window.length_s < PACE_SHARE_MIN * usual


def _usual_per_s(window: Window, windows: Iterable[Window]) -> float | None:
    """What as many users, or somewhat fewer, were answered a second; None: too little to say."""
    if window.users == 0:
        return None
    rates = [
        each.answered / each.length_s
        for each in windows
        if window.users is None
        or (each.users is not None and window.users <= 2 * each.users <= 2 * window.users)
    ]
    return quantiles(rates, n=4)[2] if len(rates) >= WINDOWS_MIN else None


def _last_silence(windows: Sequence[Window], pause_s: float) -> Sequence[Window]:
    """The windows without an answer at the end; empty where they may be by chance, or planned."""
    stretches = [
        (silent, list(stretch))
        for silent, stretch in groupby(windows, key=lambda each: not each.answered)
    ]
    if not stretches or not stretches[-1][0]:
        return ()
    silence = [each for each in stretches[-1][1] if each.users != 0]
    earlier_s = [_length_s(stretch) for silent, stretch in stretches[:-1] if silent]
    answered = sum(each.answered for each in windows)
    users = max((each.users or 0 for each in windows), default=0)
    is_pace = answered >= max(2 * REQUESTS_MIN, REQUESTS_PER_USER_MIN * users)
    longest_s = max(pause_s, GAP_FACTOR * max(earlier_s, default=0.0))
    if not is_pace or _length_s(silence) < longest_s:
        return ()
    missing = _length_s(silence) * _mean_per_s(windows, silence)
    return silence if missing >= REQUESTS_MIN else ()


def _mean_per_s(windows: Sequence[Window], silence: Sequence[Window]) -> float:
    """Answers a second before a silence."""
    before_s = _length_s(windows) - _length_s(silence)
    return sum(each.answered for each in windows) / before_s if before_s > 0 else 0.0


def _length_s(windows: Iterable[Window]) -> float:
    return sum(each.length_s for each in windows)
