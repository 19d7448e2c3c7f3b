"""Run evidence: what a run says of one user of its test, or why it says nothing.

Only a run whose requests were answered as planned speaks of what users take: one that fails, or
waits, takes another way through injector and target.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean

from msgspec import Struct

from engine.load.driver import InjectorResult, LoadResult
from engine.planning.requirement import user_seconds
from engine.scenario import Scenario
from kernel.words import counted

BUSY_PERCENT_MIN = 5.0
"""Of a core. In a run that hardly touched its injectors the system's own work would be counted."""

LOAD_S_MIN = 20.0

FAILED_PERCENT_MAX = 1
"""Of the requests."""

UNANSWERED_PERCENT_MAX = 1
"""Of the requests that were begun, but for one of each user: some are always on their way."""

PACE_SHARE_MIN = 0.5
"""Of the planned pace. Users that mostly wait make fewer requests than the test is made for."""


class RunFigures(Struct, frozen=True, forbid_unknown_fields=True):
    """What a real run measured of its users.

    Attributes:
        run_id: The run.
        at: When it ended.
        provider: Where its injectors were.
        processor_us_per_request: Of all its injectors, system included.
        requests_per_million_s: Requests of one user in a million seconds.
        machine_types: Of its injectors; empty: it is not on record.
    """

    run_id: str
    at: datetime
    provider: str
    processor_us_per_request: int
    requests_per_million_s: int
    machine_types: tuple[str, ...] = ()


class LeftOut(Struct, frozen=True, forbid_unknown_fields=True):
    """A run that is no evidence.

    Attributes:
        run_id: The run.
        at: When it ended.
        reason: Why, for people.
        would_count: But for how its requests were answered, it would be.
    """

    run_id: str
    at: datetime
    reason: str
    would_count: bool = False


def run_evidence(
    run_id: str,
    at: datetime,
    provider: str,
    scenario: Scenario,
    result: LoadResult,
    machine_types: Sequence[str] = (),
) -> RunFigures | LeftOut:
    """What a run says of one user, or why it says nothing.

    Args:
        run_id: The run.
        at: When it ended.
        provider: Where its injectors were.
        scenario: What was run.
        result: What it measured.
        machine_types: Of its injectors.
    """
    busy_cores = [_busy_cores(injector, result.load_s) for injector in result.injectors]
    too_little = _too_little(result) or _not_measured(busy_cores)
    reason = not_as_planned(result) or too_little
    if reason is not None:
        return LeftOut(run_id, at, reason, would_count=too_little is None)
    measured = [each for each in busy_cores if each is not None]
    processor_us = sum(measured) * result.load_s * 1_000_000
    per_user = result.requests / user_seconds(scenario)
    return RunFigures(
        run_id=run_id,
        at=at,
        provider=provider,
        processor_us_per_request=max(1, round(processor_us / result.requests)),
        requests_per_million_s=max(1, round(per_user * 1_000_000)),
        machine_types=tuple(sorted(set(machine_types))),
    )


def not_as_planned(result: LoadResult) -> str | None:
    """Why the requests of a run were not answered as planned; None: they were."""
    if not result.valid:
        why = f": {result.invalid_reasons[0]}" if result.invalid_reasons else ""
        return f"its result is not valid{why}"
    failed_percent = result.failed_percent or 0.0
    if failed_percent > FAILED_PERCENT_MAX:
        return f"{failed_percent:.1f} % of its requests failed, and {FAILED_PERCENT_MAX} % may"
    return _unanswered(result) or _off_pace(result)


def _too_little(result: LoadResult) -> str | None:
    """Why a load says too little, however it was answered; None: it does not."""
    if not result.completed:
        return "it was not played to its end"
    if result.load_s < LOAD_S_MIN:
        return f"it put load on for {result.load_s:.0f} s, and {LOAD_S_MIN:.0f} s are the least"
    return None if result.requests else "no request was answered"


def _unanswered(result: LoadResult) -> str | None:
    if result.unanswered is None or not result.begun:
        return None
    beyond = result.unanswered - (result.peak_users or 0)
    if 100 * beyond <= UNANSWERED_PERCENT_MAX * result.begun:
        return None
    begun = counted(result.begun, "request")
    return f"{result.unanswered:,} of its {begun} had no answer"


def _off_pace(result: LoadResult) -> str | None:
    planned = result.planned_requests_per_s
    if planned is None or result.requests_per_s >= PACE_SHARE_MIN * planned:
        return None
    return (
        f"its users made {result.requests_per_s:,.1f} requests/s, and {planned:,.1f} were planned"
    )


def _not_measured(busy_cores: Sequence[float | None]) -> str | None:
    measured = [each for each in busy_cores if each is not None]
    if not measured or len(measured) < len(busy_cores):
        return "not all of its injectors' processors were measured"
    if 100 * fmean(measured) < BUSY_PERCENT_MIN:
        return (
            f"its injectors used {100 * fmean(measured):.1f} % of a core, and "
            f"{BUSY_PERCENT_MIN:.0f} % are the least"
        )
    return None


def _busy_cores(injector: InjectorResult, load_s: float) -> float | None:
    """Processor cores in use on average; None: it was not measured, or not when it was written."""
    if injector.processor_s is not None and load_s > 0:
        return injector.processor_s / load_s
    percent, cores = injector.machine_cpu_percent_mean, injector.machine_cores
    return None if percent is None or cores is None else percent * cores / 100
