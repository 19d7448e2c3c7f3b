"""Place: where what was measured of a test is kept, found without reading any of it."""

from __future__ import annotations

import os
from pathlib import Path

from engine.calibrating.identity import identity_of
from engine.scenario import Scenario
from kernel.data_folder import data_folder

FOLDER_VARIABLE = "LOADMUSTER_CALIBRATIONS"


def calibrations_folder() -> Path:
    """Where measurements are kept: as the environment says, else in the user's data folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return data_folder() / "calibrations"


def place_of(scenario: Scenario, folder: Path | None = None) -> Path:
    """The test's own folder; it is there once something was measured."""
    return (calibrations_folder() if folder is None else folder) / identity_of(scenario)
