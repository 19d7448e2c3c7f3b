"""Place: where what was measured of a test is kept, found without reading any of it."""

from __future__ import annotations

import os
from pathlib import Path

from engine.calibrating.identity import identity_of
from engine.scenario import Scenario
from kernel.data_folder import data_folder
from kernel.errors import BadInputError

FOLDER_VARIABLE = "LOADMUSTER_CALIBRATIONS"


class CalibrationFilesError(BadInputError):
    """What was kept of a test cannot be read or written; facts: ``file``."""

    code = "calibration_files"


def calibrations_folder() -> Path:
    """Where measurements are kept: as the environment says, else in the user's data folder.

    Raises:
        CalibrationFilesError: What the environment names is there, and is no folder to be read.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        folder = Path(named)
        _check_usable(folder)
        return folder
    return data_folder() / "calibrations"


def _check_usable(folder: Path) -> None:
    """What is there already has to be a folder that can be read; else nothing would be found."""
    problem = ""
    try:
        if folder.exists() and not folder.is_dir():
            problem = "is no folder"
        elif folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
            problem = "cannot be read"
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if problem:
        raise CalibrationFilesError(
            f"{FOLDER_VARIABLE}: {folder} {problem}; name a folder of measurements, or none",
            file=str(folder),
        )


def place_of(scenario: Scenario, folder: Path | None = None) -> Path:
    """The test's own folder; it is there once something was measured."""
    return (calibrations_folder() if folder is None else folder) / identity_of(scenario)
