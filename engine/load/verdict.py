"""From what was measured to a result that says whether it can be trusted.

A saturated injector measures its own queue, and at times under-reports it; a lost one leaves a
hole. Figures from such a load say nothing about the target, so they are marked invalid rather
than shown as if they did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.load.driver import InjectorResult, LoadResult
from engine.load.excess import excess
from kernel.words import counted

CPU_PERCENT_WARNING = 70.0
"""The ceiling by which injectors are sized: above it latency is inflated."""

CPU_PERCENT_MAX = 90.0
"""Locust's own warning level (locust/runners.py, CPU_WARNING_THRESHOLD)."""

MEMORY_PERCENT_MAX = 90.0
"""Caches that can be given up do not count as used; above it little is left to give."""

COMPLETED = "completed"
CANCELLED = "cancelled"
FAILED = "failed"

Histogram = Sequence[tuple[int, int]]
"""Pairs of response time in milliseconds and number of requests, by time."""


def percentile_ms(histogram: Histogram, percent: int) -> int | None:
    """The least time within which ``percent`` of the requests were answered; None: no request."""
    wanted = sum(count for _, count in histogram) * percent
    seen = 0
    for time_ms, count in histogram:
        seen += count
        if seen * 100 >= wanted:
            return time_ms
    return None


def judge(measured: Mapping[str, Any], planned_peak_users: int, approximation: str) -> LoadResult:
    """The result of a load.

    Args:
        measured: The document that ``engine.load.locust_master`` writes, or that
            ``engine.load.sliced.reports`` makes.
        planned_peak_users: Users that a completed load must have reached, and that none may
            exceed.
        approximation: What the plan assumed, if anything.
    """
    injectors = tuple(InjectorResult(**each) for each in measured["injectors"])
    histogram = [(time_ms, count) for time_ms, count in measured["response_times_ms"]]
    # A generator that was saturated says wrong what it measured, so that comes before all else.
    reasons = (*_saturated(injectors), *_doubts(measured, planned_peak_users), *_losses(injectors))
    load_s = measured["load_s"]
    return LoadResult(
        valid=not reasons,
        invalid_reasons=reasons,
        warnings=(*_busy(injectors), *_warnings(measured, approximation)),
        completed=measured["ended"] == COMPLETED,
        load_s=load_s,
        requests=measured["requests"],
        failures=measured["failures"],
        requests_per_s=measured["requests"] / load_s if load_s else 0.0,
        p50_ms=percentile_ms(histogram, 50),
        p95_ms=percentile_ms(histogram, 95),
        p99_ms=percentile_ms(histogram, 99),
        peak_users=measured["peak_users"],
        injectors=injectors,
    )


def _doubts(measured: Mapping[str, Any], planned_peak_users: int) -> Iterator[str]:
    if measured["ended"] is None:
        yield f"the load generator died {measured['load_s']:.0f} s into the load"
    if measured["ended"] == FAILED:
        yield measured["message"]
    if measured["requests"] == 0:
        yield "no request was made"
    elif measured["failures"] == measured["requests"]:
        yield "every request failed: nothing can be said about response times"
    peak_users = measured["peak_users"]
    if (unquoted := excess(planned_peak_users, peak_users)) is not None:
        yield unquoted
    known = peak_users is not None
    if measured["ended"] == COMPLETED and known and peak_users < planned_peak_users:
        yield f"only {peak_users} of {planned_peak_users} users were reached"


def _warnings(measured: Mapping[str, Any], approximation: str) -> Iterator[str]:
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
