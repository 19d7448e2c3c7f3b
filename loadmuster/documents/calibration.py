"""The document of a calibration: what was measured, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.calibrating.calibration import Calibration, calibration_to_json
from kernel.errors import LoadmusterError


def calibration_document(
    calibration: Calibration,
    kept: Path | None,
    picture: Path | None,
    failed: LoadmusterError | None = None,
) -> dict[str, Any]:
    """A calibration as ``calibrate`` prints it.

    Args:
        calibration: What was measured.
        kept: The folder in which it was kept; None: it was not.
        picture: The file that it was drawn into, likewise.
        failed: Why it was not kept, or not drawn.
    """
    return {
        **calibration_to_json(calibration),
        "kept": None if kept is None else str(kept),
        "file": None if picture is None else str(picture),
        **({} if failed is None else {"error": failed.to_json()}),
    }
