"""The folder of what was measured: a folder a test, and in it a file a calibration or run.

A file is written beside and renamed, so that it is there whole or not at all; nobody changes one
that is there. So any number of processes may add to it, and it can be kept in version control.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from engine.calibrating.calibration import (
    Calibration,
    calibration_from_json,
    calibration_to_json,
)
from engine.calibrating.evidence import (
    Evidence,
    left_out_from_json,
    left_out_to_json,
    run_figures_from_json,
    run_figures_to_json,
)
from engine.calibrating.place import FOLDER_VARIABLE, CalibrationFilesError, place_of
from engine.calibrating.run_evidence import LeftOut, RunFigures
from engine.scenario import Scenario
from kernel.disk import free_space
from kernel.errors import BadInputError
from kernel.files import write_whole

CALIBRATION, RUN, LEFT_OUT = "calibration", "run", "left-out"

KEPT_BYTES_MAX = 16_384
"""More than a measurement takes."""

Kept = TypeVar("Kept", Calibration, RunFigures, LeftOut)


class CalibrationNotKeptError(CalibrationFilesError):
    """A test was measured, and what came out could not be written down; facts: ``file``.

    Attributes:
        calibration: What was measured.
    """

    code = "calibration_not_kept"

    def __init__(self, calibration: Calibration, error: CalibrationFilesError) -> None:
        super().__init__(error.message, **error.facts)
        self.calibration = calibration

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with what was measured."""
        return (type(self), (self.calibration, CalibrationFilesError(self.message, **self.facts)))


class CalibrationTooSmallError(BadInputError):
    """A test was measured, and too little to say what many users take; nothing was kept.

    Neither machine nor target failed: more users, or others, have to be asked for.

    Attributes:
        calibration: What was measured.
    """

    code = "calibration_too_small"

    def __init__(self, calibration: Calibration) -> None:
        super().__init__(f"nothing was kept: {calibration.too_little}")
        self.calibration = calibration

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with what was measured."""
        return (type(self), (self.calibration,))


def check_can_keep(scenario: Scenario, folder: Path | None = None) -> None:
    """See that a measurement of the test could be written down; nothing is left of the look.

    Raises:
        CalibrationFilesError: With the reason, and what to do.
    """
    place = place_of(scenario, folder)
    missing: list[Path] = []
    trial = place / f".trial.{os.getpid()}"
    try:
        missing += [each for each in (place, *place.parents) if not each.exists()]
        place.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b" " * KEPT_BYTES_MAX)
    except OSError as error:
        raise CalibrationFilesError(
            f"{error.filename or place}: what is measured could not be kept: {error.strerror}"
            f"{free_space(place, error)}; name another folder in {FOLDER_VARIABLE}, or keep nothing"
            " with --forget",
            file=str(place),
        ) from error
    finally:
        with suppress(OSError):
            trial.unlink()
        for each in missing:
            with suppress(OSError):
                each.rmdir()


def keep_calibration(
    scenario: Scenario, calibration: Calibration, folder: Path | None = None
) -> Path:
    """Write it down; returns the file.

    Raises:
        CalibrationTooSmallError: It says nothing of many users; what was measured is in it.
        CalibrationNotKeptError: It cannot be written; likewise.
    """
    if calibration.too_little is not None:
        raise CalibrationTooSmallError(calibration)
    name = f"{CALIBRATION}-{calibration.at:%Y%m%dT%H%M%S}.json"
    try:
        place = place_of(scenario, folder)
    except CalibrationFilesError as error:
        said = f"the measurement cannot be kept: {error.message}"
        wrapped = CalibrationFilesError(said, **error.facts)
        raise CalibrationNotKeptError(calibration, wrapped) from error
    try:
        return _write(place / name, calibration_to_json(calibration))
    except CalibrationFilesError as error:
        raise CalibrationNotKeptError(calibration, error) from error


def keep_run(scenario: Scenario, figures: RunFigures, folder: Path | None = None) -> Path:
    """Write it down, once for each run; returns the file.

    Raises:
        CalibrationFilesError: It cannot be written.
    """
    name = f"{RUN}-{figures.at:%Y%m%dT%H%M%S}-{figures.run_id}.json"
    return _write(place_of(scenario, folder) / name, run_figures_to_json(figures))


def keep_left_out(scenario: Scenario, left_out: LeftOut, folder: Path | None = None) -> Path:
    """Write down that a run does not count, and why, once for each run; returns the file.

    Raises:
        CalibrationFilesError: It cannot be written.
    """
    name = f"{LEFT_OUT}-{left_out.at:%Y%m%dT%H%M%S}-{left_out.run_id}.json"
    return _write(place_of(scenario, folder) / name, left_out_to_json(left_out))


def evidence_of(scenario: Scenario, folder: Path | None = None) -> Evidence:
    """What is kept of the test.

    Raises:
        CalibrationFilesError: A file is not one of ours.
    """
    place = place_of(scenario, folder)
    calibrations = sorted(place.glob(f"{CALIBRATION}-*.json"))
    runs = sorted(place.glob(f"{RUN}-*.json"))
    left_out = sorted(place.glob(f"{LEFT_OUT}-*.json"))
    return Evidence(
        _newest_telling(calibrations),
        tuple(_read(path, run_figures_from_json) for path in runs),
        tuple(_read(path, left_out_from_json) for path in left_out),
    )


def _newest_telling(oldest_first: Sequence[Path]) -> Calibration | None:
    """The newest that says enough, or else the newest; None: there is none. Older are not read."""
    newest = None
    for path in reversed(oldest_first):
        calibration = _read(path, calibration_from_json)
        if calibration.too_little is None:
            return calibration
        newest = newest or calibration
    return newest


def _read(path: Path, from_json: Callable[[Mapping[str, Any]], Kept]) -> Kept:
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CalibrationFilesError(
            f"{path}: not a measurement of loadmuster ({error}); remove the file, and measure "
            "again with `loadmuster calibrate`",
            file=str(path),
        ) from error


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(document, indent=2) + "\n").encode())
    except OSError as error:
        raise CalibrationFilesError(
            f"{path}: the measurement cannot be kept: {error.strerror}{free_space(path, error)}",
            file=str(path),
        ) from error
    return path
