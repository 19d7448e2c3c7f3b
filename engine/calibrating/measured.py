"""Measured: a scenario with what is known of its users."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from engine.calibrating.place import place_of
from engine.scenario import Scenario


def as_measured(scenario: Scenario, folder: Path | None = None) -> Scenario:
    """The scenario with what is known of its users, if anything is and it says nothing itself.

    Raises:
        CalibrationFilesError: What is kept of it cannot be read.
    """
    if scenario.measured is not None or not place_of(scenario, folder).is_dir():
        return scenario
    from engine.calibrating.evidence import measured_by
    from engine.calibrating.folder import evidence_of

    return replace(scenario, measured=measured_by(evidence_of(scenario, folder)))
