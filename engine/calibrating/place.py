"""Place: where what was measured of a test is kept, found without reading any of it."""

from __future__ import annotations

import os
from pathlib import Path

from engine.calibrating.identity import identity_of
from engine.data_folder import data_folder
from engine.scenario import Scenario

FOLDER_VARIABLE = "LOADMUSTER_CALIBRATIONS"


def calibrations_folder() -> Path:
    """Where measurements are kept: as the environment says, else in the user's data folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return data_folder() / "calibrations"


def place_of(scenario: Scenario, folder: Path | None = None) -> Path:
    """The test's own folder; it is there once something was measured."""
    return (calibrations_folder() if folder is None else folder) / identity_of(scenario)


def as_measured(scenario: Scenario, folder: Path | None = None) -> Scenario:
    """The scenario with what is known of its users, if anything is and it says nothing itself.

    Raises:
        CalibrationFilesError: What is kept of it cannot be read.
    """
    if scenario.measured is not None or not place_of(scenario, folder).is_dir():
        return scenario
    from msgspec.structs import replace

    from engine.calibrating.evidence import measured_by
    from engine.calibrating.folder import evidence_of

    return replace(scenario, measured=measured_by(evidence_of(scenario, folder)))
