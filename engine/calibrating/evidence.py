"""Evidence: what is known of one user from a calibration and from runs of the same test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import fmean, median_low
from typing import Any

from msgspec import Struct, convert

from engine.calibrating.calibration import Calibration
from engine.planning.requirement import user_seconds
from engine.scenario import Measured, Scenario
from kernel.division import ceil_div
from kernel.plain import plain

RUNS_COUNTED = 5
"""The newest of them: a test and its target change."""

SPREAD_PERCENT_MIN = 10
"""Two measurements of the same on the same machine lie that far apart."""

BUSY_PERCENT_MIN = 5.0
"""Of a core. In a run that hardly touched its injectors the system's own work would be counted."""

LOAD_S_MIN = 20.0

FAILED_PERCENT_MAX = 1
"""Of the requests. One that fails takes another way through injector and target than one that is
answered as planned."""


class RunFigures(Struct, frozen=True, forbid_unknown_fields=True):
    """What a real run measured of its users.

    Attributes:
        run_id: The run.
        at: When it ended.
        provider: Where its injectors were.
        processor_us_per_request: Of all its injectors, system included.
        requests_per_million_s: Requests of one user in a million seconds.
    """

    run_id: str
    at: datetime
    provider: str
    processor_us_per_request: int
    requests_per_million_s: int


class Evidence(Struct, frozen=True):
    """Everything that is kept of a test: its newest calibration, and its runs by age."""

    calibration: Calibration | None = None
    runs: tuple[RunFigures, ...] = ()


def run_figures(
    run_id: str, at: datetime, provider: str, scenario: Scenario, result: Mapping[str, Any]
) -> RunFigures | None:
    """What a run says of one user.

    None: it was not valid, not whole, too short or too light, or too many of its requests failed.

    Args:
        run_id: The run.
        at: When it ended.
        provider: Where its injectors were.
        scenario: What was run.
        result: As ``engine.load.driver.LoadResult.to_json`` gives it.
    """
    load_s, requests, area = result["load_s"], result["requests"], user_seconds(scenario)
    if not (result["valid"] and result["completed"]) or load_s < LOAD_S_MIN or not requests:
        return None
    if 100 * result["failures"] > FAILED_PERCENT_MAX * requests:
        return None
    busy_cores = [_busy_cores(injector, load_s) for injector in result["injectors"]]
    measured = [each for each in busy_cores if each is not None]
    if len(measured) < len(busy_cores) or 100 * fmean(measured or [0]) < BUSY_PERCENT_MIN:
        return None
    processor_us = sum(measured) * load_s * 1_000_000
    return RunFigures(
        run_id=run_id,
        at=at,
        provider=provider,
        processor_us_per_request=max(1, round(processor_us / requests)),
        requests_per_million_s=max(1, round(requests / area * 1_000_000)),
    )


def measured_by(evidence: Evidence) -> Measured | None:
    """What estimates count with; None: nothing is known.

    Of a calibration and the newest runs the middle one counts; they also say how far it may be off.
    A run that measured the calibration is not counted again.
    """
    calibration = evidence.calibration
    measured_by_run = None if calibration is None else calibration.run_id
    others = [each for each in evidence.runs if each.run_id != measured_by_run]
    runs = others[-RUNS_COUNTED:]
    both: list[Calibration | RunFigures] = [*runs]
    if calibration is not None:
        both.append(calibration)
    if not both:
        return None
    processor_us = [each.processor_us_per_request for each in both]
    expected = median_low(processor_us)
    return Measured(
        processor_us_per_request=expected,
        processor_low_us=min(*processor_us, expected * (100 - SPREAD_PERCENT_MIN) // 100 or 1),
        processor_high_us=max(*processor_us, ceil_div(expected * (100 + SPREAD_PERCENT_MIN), 100)),
        requests_per_million_s=median_low([each.requests_per_million_s for each in both]),
        memory_kib_per_user=None if calibration is None else calibration.memory_kib_per_user,
        basis=_basis(calibration, len(runs)),
    )


def run_figures_to_json(figures: RunFigures) -> dict[str, Any]:
    """In strings and numbers."""
    document: dict[str, Any] = plain(figures)
    return document


def run_figures_from_json(document: Mapping[str, Any]) -> RunFigures:
    """The figures that ``run_figures_to_json`` wrote.

    Raises:
        ValidationError: It is something else.
    """
    return convert(document, RunFigures)


def _basis(calibration: Calibration | None, runs: int) -> str:
    known: Sequence[str] = [
        *([f"a calibration of {calibration.at.date()}"] if calibration else []),
        *([f"{runs} run{'' if runs == 1 else 's'}"] if runs else []),
    ]
    return " and ".join(known)


def _busy_cores(injector: Mapping[str, Any], load_s: float) -> float | None:
    """Processor cores in use on average; None: it was not measured, or not when it was written."""
    processor_s: float | None = injector.get("processor_s")
    if processor_s is not None:
        return processor_s / load_s
    percent: float | None = injector.get("machine_cpu_percent_mean")
    cores: int | None = injector.get("machine_cores")
    return None if percent is None or cores is None else percent * cores / 100
