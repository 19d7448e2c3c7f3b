"""From what was measured to a result that says whether it can be trusted.

A saturated injector measures its own queue, and at times under-reports it; a lost one leaves a
hole. Figures from such a load say nothing about the target, so they are marked invalid rather
than shown as if they did.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from engine.load.driver import InjectorResult, LoadResult
from engine.load.excess import excess
from engine.load.figures import FailureKind, FailureSample, Window
from engine.load.histogram import MS_PER_S, percentile_ms
from engine.load.pace import (
    Unanswered,
    nothing_answered,
    pace_doubts,
    slow_pace,
    unanswered_doubt,
)
from engine.load.requests import ROWS_MAX, figures_of
from engine.load.tally import OTHER
from engine.load.windows import PlannedPace, windows_of
from kernel.words import counted

CPU_PERCENT_WARNING = 70.0
"""The ceiling by which injectors are sized: above it latency is inflated."""

CPU_PERCENT_MAX = 90.0
"""Locust's own warning level (locust/runners.py, CPU_WARNING_THRESHOLD)."""

MEMORY_PERCENT_MAX = 90.0
"""Caches that can be given up do not count as used; above it little is left to give."""

UNKNOWN_TALLY: Mapping[str, Any] = {
    "begun": None,
    "cut_off": None,
    "longest_wait_ms": None,
    "kinds": (),
    "samples": (),
}
"""Of a load whose injectors left no tally."""

COMPLETED = "completed"
CANCELLED = "cancelled"
FAILED = "failed"

FAILED_PERCENT_SAID = 1.0
"""Of the requests; where more failed, the result says so and why."""

KINDS_SAID = 3
"""Of the reasons why requests failed, in one line."""


def judge(
    measured: Mapping[str, Any],
    planned_peak_users: int,
    approximation: str,
    *,
    pace: PlannedPace | None = None,
    planned_s: float = math.inf,
) -> LoadResult:
    """The result of a load.

    Args:
        measured: The document that ``engine.load.locust_master`` writes, or that
            ``engine.load.sliced.reports`` makes.
        planned_peak_users: Users that a completed load must have reached, and that none may
            exceed.
        approximation: What the plan assumed, if anything.
        pace: How often the test's users make requests; None: nobody knows.
        planned_s: How long the load was to be.
    """
    injectors = tuple(InjectorResult(**each) for each in measured["injectors"])
    histogram = [(time_ms, count) for time_ms, count in measured["response_times_ms"]]
    load_s, completed = measured["load_s"], measured["ended"] == COMPLETED
    p50_ms, p95_ms, p99_ms = (percentile_ms(histogram, each) for each in (50, 95, 99))
    tally = measured.get("tally") or UNKNOWN_TALLY
    windows: tuple[Window, ...] = ()
    if tally is not UNKNOWN_TALLY:
        windows = windows_of(tally, measured.get("levels"), load_s, pace, p50_ms)
    # Where nothing was answered as planned, there is a reason already.
    some = measured["requests"] > measured["failures"]
    unanswered = (
        unanswered_doubt(tally, histogram, measured["requests"], measured["peak_users"])
        if some
        else None
    )
    # A generator that was saturated says wrong what it measured, so that comes before all else.
    reasons = (
        *_saturated(injectors),
        *_doubts(measured, tally, planned_peak_users),
        *_breaks(unanswered, windows if some else (), planned_s, tally),
        *_losses(injectors),
    )
    said = [unanswered.words] if unanswered and not unanswered.is_grave else []
    planned_per_s = _planned_per_s(windows)
    if completed and not reasons:
        slow = slow_pace(measured["requests"], load_s, planned_per_s)
        said += [] if slow is None else [slow]
    return LoadResult(
        valid=not reasons,
        invalid_reasons=reasons,
        warnings=(*_busy(injectors), *said, *_warnings(measured, tally, approximation)),
        completed=completed,
        load_s=load_s,
        requests=measured["requests"],
        failures=measured["failures"],
        requests_per_s=measured["requests"] / load_s if load_s else 0.0,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        peak_users=measured["peak_users"],
        injectors=injectors,
        **_waits(tally),
        planned_requests_per_s=planned_per_s,
        failure_kinds=tuple(FailureKind(kind, count) for kind, count in tally["kinds"]),
        failure_samples=tuple(FailureSample(**each) for each in tally["samples"]),
        unknown=tuple(measured.get("unknown", ())),
        by_request=figures_of(measured.get("names", ()), load_s),
        windows=windows,
    )


def _breaks(
    unanswered: Unanswered | None,
    windows: Sequence[Window],
    planned_s: float,
    tally: Mapping[str, Any],
) -> Iterator[str]:
    """Whether the target stopped answering; what is counted says more than what is missing."""
    if unanswered is not None and unanswered.is_grave:
        yield unanswered.words
    else:
        yield from pace_doubts(windows, planned_s, _waits(tally)["longest_wait_s"])


def _waits(tally: Mapping[str, Any]) -> dict[str, Any]:
    """Requests that were begun, those without an answer, and the longest wait."""
    cut_off, longest_ms = tally["cut_off"], tally["longest_wait_ms"]
    return {
        "begun": tally["begun"],
        "unanswered": None if cut_off is None else sum(count for _, count in cut_off),
        "longest_wait_s": None if longest_ms is None else round(longest_ms / MS_PER_S, 3),
    }


def _planned_per_s(windows: Sequence[Window]) -> float | None:
    """Mean over the whole load."""
    whole_s = sum(each.length_s for each in windows)
    planned = [
        each.planned_requests_per_s * each.length_s
        for each in windows
        if each.planned_requests_per_s is not None
    ]
    return sum(planned) / whole_s if whole_s and len(planned) == len(windows) else None


def broken_off(result: LoadResult, *, planned_s: float) -> LoadResult:
    """The result of a load that was cancelled: what it says is not what was asked.

    Args:
        result: As it was measured until then.
        planned_s: How long the load should have been.
    """
    reason = (
        f"the run was cancelled {result.load_s:,.0f} s into a load of {planned_s:,.0f} s:"
        " the figures are of the part that was played"
    )
    return replace(result, valid=False, invalid_reasons=(*result.invalid_reasons, reason))


def _doubts(
    measured: Mapping[str, Any], tally: Mapping[str, Any], planned_peak_users: int
) -> Iterator[str]:
    if measured["ended"] is None:
        yield f"the load generator died {measured['load_s']:.0f} s into the load"
    if measured["ended"] == FAILED:
        yield measured["message"]
    if measured["requests"] == 0:
        yield nothing_answered(tally["begun"], _waits(tally)["longest_wait_s"])
    elif measured["failures"] == measured["requests"]:
        why = f" ({_kinds_in_words(tally)})" if tally["kinds"] else ""
        yield f"every request failed{why}: nothing can be said about response times"
    peak_users = measured["peak_users"]
    if (unquoted := excess(planned_peak_users, peak_users)) is not None:
        yield unquoted
    known = peak_users is not None
    if measured["ended"] == COMPLETED and known and peak_users < planned_peak_users:
        yield f"only {peak_users} of {planned_peak_users} users were reached"


def _kinds_in_words(tally: Mapping[str, Any]) -> str:
    """The most frequent reasons why requests failed, with how many did."""
    kinds = tally["kinds"]
    if len(kinds) == 1:
        return str(kinds[0][0])
    said = [f"{kind} {count:,}" for kind, count in kinds[:KINDS_SAID]]
    more = sum(count for _, count in kinds[KINDS_SAID:])
    return ", ".join([*said, *([f"others {more:,}"] if more else [])])


def _warnings(
    measured: Mapping[str, Any], tally: Mapping[str, Any], approximation: str
) -> Iterator[str]:
    requests, failures = measured["requests"], measured["failures"]
    if requests and FAILED_PERCENT_SAID * requests < 100 * failures < 100 * requests:
        why = f": {_kinds_in_words(tally)}" if tally["kinds"] else ""
        yield f"{100 * failures / requests:.1f} % of the requests failed{why}"
    if any(row["name"] == OTHER and not row["method"] for row in measured.get("names", ())):
        yield (
            f"the test names more than {ROWS_MAX} requests; the less frequent are counted "
            f"together, as {OTHER!r}"
        )
    if measured["peak_users"] is None:
        yield (
            "the samples do not say how many users were active, so whether they were those that "
            "were quoted is not known"
        )
    if unreadable := measured.get("unreadable", 0):
        yield f"{counted(unreadable, 'sample')} could not be read and had to be left out"
    yield from measured.get("notes", ())
    if approximation:
        yield approximation


def _losses(injectors: Iterable[InjectorResult]) -> Iterator[str]:
    for injector in injectors:
        if injector.lost:
            yield f"injector {injector.slot} was lost before the load ended"


def _saturated(injectors: Iterable[InjectorResult]) -> Iterator[str]:
    for injector in injectors:
        for used, of_what in _uses(injector):
            if used > CPU_PERCENT_MAX:
                yield (
                    f"injector {injector.slot} was saturated: it used {used:.0f} % of {of_what}, "
                    f"and above {CPU_PERCENT_MAX:.0f} % it measures itself"
                )


def _busy(injectors: Iterable[InjectorResult]) -> Iterator[str]:
    for injector in injectors:
        for used, of_what in _uses(injector):
            if CPU_PERCENT_WARNING < used <= CPU_PERCENT_MAX:
                yield (
                    f"injector {injector.slot} used {used:.0f} % of {of_what}; above "
                    f"{CPU_PERCENT_WARNING:.0f} % response times are inflated"
                )
        memory, all_memory = injector.memory_used_bytes_max, injector.memory_bytes
        if memory is not None and all_memory and 100 * memory > MEMORY_PERCENT_MAX * all_memory:
            yield (
                f"injector {injector.slot} used {100 * memory / all_memory:.0f} % of its machine's "
                f"memory; above {MEMORY_PERCENT_MAX:.0f} % the next user may not fit"
            )


def _uses(injector: InjectorResult) -> Iterator[tuple[float, str]]:
    """Percent that were used at most, and of what, where it was measured."""
    if injector.machine_cpu_percent_max is not None:
        yield injector.machine_cpu_percent_max, "its machine's processors"
    if injector.cpu_percent_max is not None:
        # One process that is at its limit is late, whatever the others have left.
        yield injector.cpu_percent_max, "its processor"
