"""Prediction: how far what is foretold may be off, by how far the measurements lie apart.

The interval of a further measurement in linear regression with errors that are some percent of
what is measured (Draper and Smith, Applied Regression Analysis, 3rd edition, 1998, 1.4 and 9.2):
nine further measurements in ten lie in it, if nothing else changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from engine.calibrating.fit import FittedLine
from engine.calibrating.step import CalibrationStep

UNKNOWN_PERCENT = 30.0
"""Where nothing says how well what was measured holds: assumed, twice as far as the worst of the
behaviours of docs/figures.md was foretold off."""

_STUDENT_T = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""The 95 % quantiles of Student's distribution for 1 to 10 degrees of freedom; 10 for more."""


def line_off_percent(
    line: FittedLine, steps: Sequence[CalibrationStep], users: int
) -> float | None:
    """Percent by which what so many users take may be off what the line says of them.

    Args:
        line: Through the steps.
        steps: That it was drawn through.
        users: Of which it is asked.

    Returns:
        None where fewer than three steps say nothing of it.
    """
    freedom = len(steps) - 2
    if freedom < 1:
        return None
    xs = [step.users for step in steps]
    weights = [1 / step.processor_us_per_s**2 for step in steps]
    x_mean = fmean(xs, weights)
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    if spread == 0:
        return None
    off = math.sqrt(sum((line.off_percent(step) / 100) ** 2 for step in steps) / freedom)
    of_line = math.sqrt(1 / sum(weights) + (users - x_mean) ** 2 / spread)
    foretold = line.processor_us_at(users)
    return 100 * _student_t(freedom) * off * math.hypot(1.0, of_line / foretold)


def repeats_off_percent(values: Sequence[float]) -> float | None:
    """Percent by which one more measurement of the same may be off the mean of those made.

    Returns:
        None where fewer than three values say nothing of it.
    """
    freedom = len(values) - 1
    if freedom < 2:  # noqa: PLR2004 - the difference of two is as likely luck
        return None
    mean = fmean(values)
    off = math.sqrt(sum((value / mean - 1) ** 2 for value in values) / freedom)
    return 100 * _student_t(freedom) * off * math.sqrt(1 + 1 / len(values))


def _student_t(freedom: int) -> float:
    return _STUDENT_T[min(freedom, len(_STUDENT_T)) - 1]
