"""Evidence: what is known of one user from a calibration and from runs of the same test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from msgspec import Struct, convert

from engine.calibrating.calibration import Calibration
from engine.calibrating.prediction import UNKNOWN_PERCENT, repeats_off_percent
from engine.calibrating.run_evidence import LeftOut, RunFigures
from engine.clouds import CLOUDS
from engine.planning.vcpu_speeds import reference_us
from engine.scenario import Measured
from kernel.plain import plain
from pricing.catalog import Catalog

RUNS_COUNTED = 5
"""The newest of them: a test and its target change."""

LEFT_OUT_SAID = 3
"""Of the runs that do not count, the newest."""


class Evidence(Struct, frozen=True):
    """Everything that is kept of a test: its newest calibration, and its runs by age.

    Attributes:
        calibration: The newest; None: there is none.
        runs: That count, by age.
        left_out: Runs that do not, by age.
    """

    calibration: Calibration | None = None
    runs: tuple[RunFigures, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def measured_by(evidence: Evidence, catalog: Catalog) -> Measured | None:
    """What estimates count with; None: nothing is known.

    Processor times are scaled to a core of known speed, where it is known how much the processors
    do that they were measured on.
    Of a calibration and the newest runs the middle one counts. How far it may be off is said by the
    calibration's line, or by how far the measurements lie apart, whichever says less; what was
    measured lies in the range in any case. A run that measured the calibration is not counted
    again.
    """
    calibration = evidence.calibration
    if calibration is not None and calibration.too_little is not None:
        calibration = None
    measured_by_run = None if calibration is None else calibration.run_id
    others = [each for each in evidence.runs if each.run_id != measured_by_run]
    runs = others[-RUNS_COUNTED:]
    both: list[Calibration | RunFigures] = [*runs]
    if calibration is not None:
        both.append(calibration)
    if not both:
        return None
    scaled = [_reference_us(each, catalog) for each in both]
    processor_us = [
        each.processor_us_per_request if own_us is None else own_us
        for each, own_us in zip(both, scaled, strict=True)
    ]
    expected, off = median_low(processor_us), _off_percent(calibration, processor_us) / 100
    return Measured(
        processor_us_per_request=expected,
        processor_low_us=min(*processor_us, max(1, math.floor(expected / (1 + off)))),
        processor_high_us=max(*processor_us, math.ceil(expected * (1 + off))),
        requests_per_million_s=median_low([each.requests_per_million_s for each in both]),
        memory_kib_per_user=None if calibration is None else calibration.memory_kib_per_user,
        basis=_basis(calibration, len(runs)),
        is_speed_known=None not in scaled,
    )


def _reference_us(measured: Calibration | RunFigures, catalog: Catalog) -> int | None:
    """What it took of a core of the reference; None: nobody knows what its machine does.

    On a cloud all processors of a machine play users. Of machines that differ the greatest time
    counts.
    """
    took_us, provider = measured.processor_us_per_request, measured.provider
    if isinstance(measured, RunFigures):
        types = measured.machine_types
    else:
        types = () if measured.machine_type is None else (measured.machine_type,)
    if not types or provider is None or provider not in CLOUDS:
        return None
    found = [reference_us(catalog, provider, each, took_us, alone=False) for each in types]
    return None if None in found else max(each for each in found if each is not None)


def left_out_words(evidence: Evidence) -> tuple[str, ...]:
    """Which of the newest runs do not count, or no calibration, and why, one line each."""
    calibration = evidence.calibration
    said = []
    if calibration is not None and (reason := calibration.too_little) is not None:
        day = calibration.at.date()
        said.append(f"the calibration of {day} is no evidence of what users take: {reason}")
    said.extend(
        f"run {each.run_id} of {each.at.date()} is no evidence of what users take: {each.reason}"
        for each in evidence.left_out[-LEFT_OUT_SAID:]
    )
    return tuple(said)


def left_out_to_json(left_out: LeftOut) -> dict[str, Any]:
    """In strings."""
    document: dict[str, Any] = plain(left_out)
    return document


def left_out_from_json(document: Mapping[str, Any]) -> LeftOut:
    """What ``left_out_to_json`` wrote.

    Raises:
        ValidationError: It is something else.
    """
    return convert(document, LeftOut)


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


def _off_percent(calibration: Calibration | None, measured: Sequence[int]) -> float:
    by_line = None if calibration is None else calibration.range_percent
    said = (by_line, repeats_off_percent(measured))
    return min((each for each in said if each is not None), default=UNKNOWN_PERCENT)


def _basis(calibration: Calibration | None, runs: int) -> str:
    known: Sequence[str] = [
        *([f"a calibration of {calibration.at.date()}"] if calibration else []),
        *([f"{runs} run{'' if runs == 1 else 's'}"] if runs else []),
    ]
    return " and ".join(known)
