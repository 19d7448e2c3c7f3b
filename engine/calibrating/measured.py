"""Measured: a scenario with what is known of its users."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from engine.calibrating.place import place_of
from engine.readers.overrides import overridden
from engine.readers.scenario_request import ScenarioRequest
from engine.scenario import Scenario


def as_measured(scenario: Scenario, folder: Path | None = None) -> Scenario:
    """The scenario with what is known of its users, if anything is and it says nothing itself.

    Raises:
        CalibrationFilesError: What is kept of it cannot be read.
    """
    if scenario.measured is not None or not place_of(scenario, folder).is_dir():
        return scenario
    from engine.calibrating.evidence import left_out_words, measured_by
    from engine.calibrating.folder import evidence_of
    from pricing.catalog import Catalog

    evidence = evidence_of(scenario, folder)
    # Speeds of processors are no prices: the bundled table has all that there are.
    measured = measured_by(evidence, Catalog.bundled())
    return replace(scenario, measured=measured, left_out_runs=left_out_words(evidence))


def counted_scenario(request: ScenarioRequest, scenario: Scenario) -> Scenario:
    """What the estimate counts with: the regions asked for, and what was measured of the users.

    Args:
        request: Says which regions, and whether what was measured counts.
        scenario: What ``requested_scenario`` made of it.

    Raises:
        CalibrationFilesError: What is kept of the test cannot be read.
    """
    placed = overridden(scenario, regions=request.regions)
    return placed if request.published else as_measured(placed)
