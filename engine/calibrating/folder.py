"""The folder of what was measured: a folder a test, and in it a file a calibration or run.

A file is written beside and renamed, so that it is there whole or not at all; nobody changes one
that is there. So any number of processes may add to it, and it can be kept in version control.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from engine.calibrating.calibration import (
    Calibration,
    calibration_from_json,
    calibration_to_json,
)
from engine.calibrating.evidence import (
    Evidence,
    RunFigures,
    run_figures_from_json,
    run_figures_to_json,
)
from engine.calibrating.place import CalibrationFilesError, place_of
from engine.scenario import Scenario
from kernel.files import write_whole

CALIBRATION, RUN = "calibration", "run"

Kept = TypeVar("Kept", Calibration, RunFigures)


def keep_calibration(
    scenario: Scenario, calibration: Calibration, folder: Path | None = None
) -> Path:
    """Write it down; returns the file.

    Raises:
        CalibrationFilesError: It cannot be written.
    """
    name = f"{CALIBRATION}-{calibration.at:%Y%m%dT%H%M%S}.json"
    return _write(place_of(scenario, folder) / name, calibration_to_json(calibration))


def keep_run(scenario: Scenario, figures: RunFigures, folder: Path | None = None) -> Path:
    """Write it down, once for each run; returns the file.

    Raises:
        CalibrationFilesError: It cannot be written.
    """
    name = f"{RUN}-{figures.at:%Y%m%dT%H%M%S}-{figures.run_id}.json"
    return _write(place_of(scenario, folder) / name, run_figures_to_json(figures))


def evidence_of(scenario: Scenario, folder: Path | None = None) -> Evidence:
    """What is kept of the test.

    Raises:
        CalibrationFilesError: A file is not one of ours.
    """
    place = place_of(scenario, folder)
    calibrations = sorted(place.glob(f"{CALIBRATION}-*.json"))
    runs = sorted(place.glob(f"{RUN}-*.json"))
    return Evidence(
        _read(calibrations[-1], calibration_from_json) if calibrations else None,
        tuple(_read(path, run_figures_from_json) for path in runs),
    )


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
            f"{path}: the measurement cannot be kept: {error.strerror}", file=str(path)
        ) from error
    return path
