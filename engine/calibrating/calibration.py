"""Calibration: what was measured of a test on one injector, in a form that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, convert, field
from msgspec.structs import asdict

from engine.calibrating.fit import FittedLine, fit_processor, memory_kib_per_user, users_measured_at
from engine.calibrating.prediction import UNKNOWN_PERCENT, line_off_percent
from engine.calibrating.step import US_PER_S, CalibrationStep
from engine.calibrating.steps import (
    CEILING_PERCENT,
    CEILING_US_PER_S,
    full_pace_steps,
    kept_up_steps,
    problem,
    telling_steps,
    too_little,
)
from kernel.errors import LoadmusterError, ProviderFailedError
from kernel.plain import plain

FIT_STEPS_MIN = 3
"""A line goes through two points whatever they are, so only more say how well it holds."""

HALF_PERCENT = 50
"""A line through the steps up to here foretells the ceiling, and is held against what it was."""


class CalibrationFailedError(ProviderFailedError):
    """Nothing could be measured; the message says why."""

    code = "calibration_failed"


class CalibrationNotValidError(LoadmusterError):
    """The load was played, and the first users were not answered as they have to be.

    It ends as a run does whose result is not valid: whatever played the users did its part.
    """

    code = "calibration_not_valid"
    exit_code = 7


class Foretold(Struct, frozen=True):
    """How well few users foretell the ceiling.

    Attributes:
        foretold: Users at the ceiling by the line through the lower steps.
        measured: Users at the ceiling in between the steps around it.
    """

    foretold: int
    measured: int

    @property
    def error_percent(self) -> float:
        """How far the prediction is off."""
        return 100 * abs(self.foretold - self.measured) / self.measured


class FittedStep(Struct, frozen=True):
    """What the line says of a step.

    Attributes:
        users: Of the step.
        percent: Of a core, by the line.
        off_percent: By how much more was measured, in percent of that; None: the line was not
            drawn through this step.
    """

    users: int
    percent: float
    off_percent: float | None


class Calibration(Struct, frozen=True):
    """One calibration of a test.

    Attributes:
        test: The scenario's name.
        at: When it was measured.
        engine: The load engine and its version.
        machine: The processor that it was measured on.
        steps: What was measured, in the order in which it was.
        note: Why it ended before the ceiling; empty: it did not.
        run_id: The run that measured it, on a cloud.
        provider, machine_type: What it was measured on, where that is a cloud's machine.
    """

    test: str
    at: datetime
    engine: str
    machine: str
    steps: tuple[CalibrationStep, ...]
    note: str = ""
    run_id: str | None = field(default=None, name="run")
    provider: str | None = None
    machine_type: str | None = None

    @property
    def too_little(self) -> str | None:
        """Why it says nothing of many users, and no estimate counts with it; None: it does."""
        return too_little(self.steps)

    @property
    def has_known_fit(self) -> bool:
        """Whether there are steps enough to say how well the line holds."""
        return len({step.users for step in full_pace_steps(self.steps)}) >= FIT_STEPS_MIN

    @property
    def line(self) -> FittedLine:
        """Processor time over users, by the steps at full pace."""
        return fit_processor(full_pace_steps(self.steps))

    @property
    def fitted(self) -> tuple[FittedStep, ...]:
        """What the line says of each step."""
        line, drawn_through = self.line, full_pace_steps(self.steps)
        return tuple(
            FittedStep(
                step.users,
                100 * line.processor_us_at(step.users) / US_PER_S,
                line.off_percent(step) if step in drawn_through else None,
            )
            for step in self.steps
        )

    @property
    def users_at_ceiling(self) -> int:
        """Users that fill one core up to the ceiling, by the line."""
        return self.line.users_at(CEILING_US_PER_S)

    @property
    def range_percent(self) -> float:
        """Percent by which what users take at the ceiling may be off what the line says."""
        steps = full_pace_steps(self.steps)
        off = line_off_percent(self.line, steps, self.users_at_ceiling)
        return UNKNOWN_PERCENT if off is None else off

    @property
    def foretold(self) -> Foretold | None:
        """None where the ceiling was not reached, or fewer than two steps lie below half of it."""
        steps = full_pace_steps(self.steps)
        measured = users_measured_at(steps, CEILING_US_PER_S)
        low = [step for step in steps if step.processor_percent <= HALF_PERCENT]
        if measured is None or len({step.users for step in low}) < 2:  # noqa: PLR2004 - a line
            return None
        return Foretold(fit_processor(low).users_at(CEILING_US_PER_S), measured)

    @property
    def requests_per_million_s(self) -> int:
        """Requests of one user, by all users of the steps at full pace."""
        steps = full_pace_steps(self.steps)
        made = sum(step.requests_per_s for step in steps)
        return max(1, round(made / sum(step.users for step in steps) * US_PER_S))

    @property
    def processor_us_per_request(self) -> int:
        """Of one request at the ceiling, the engine's own idling shared out among its users."""
        users = max(1, self.users_at_ceiling)
        return max(1, round(CEILING_US_PER_S * US_PER_S / (users * self.requests_per_million_s)))

    @property
    def memory_kib_per_user(self) -> int:
        """Memory of one user, without what the load engine holds when it has none."""
        return memory_kib_per_user(kept_up_steps(self.steps))


def check_measured(steps: Sequence[CalibrationStep], note: str) -> None:
    """Refuse steps that say nothing.

    Raises:
        CalibrationNotValidError: The target did not even answer the first users; with what it did.
        CalibrationFailedError: With the reason.
    """
    if steps and not telling_steps(steps):
        raise CalibrationNotValidError(f"nothing could be measured: {problem(steps[:1]) or note}")
    if not telling_steps(steps) or telling_steps(steps)[-1].processor_us_per_s == 0:
        raise CalibrationFailedError(
            f"nothing could be measured: {note or 'the load engine took no processor time'}"
        )


_OF_THE_FIT = ("r_squared", "error_percent")
_OF_THE_LINE = (
    "processor_us_per_request",
    "requests_per_user_s",
    "memory_kib_per_user",
    "users_at_ceiling",
    "range_percent",
    *_OF_THE_FIT,
)


def calibration_to_json(calibration: Calibration) -> dict[str, Any]:
    """In dicts, lists, strings and numbers; what the line gives stands beside it for people."""
    measured: dict[str, Any] = plain(calibration)
    steps = measured.pop("steps")
    whole = {**measured, "at": calibration.at.isoformat(), "steps": steps}
    if (reason := calibration.too_little) is not None:
        unknown = [{"field": name, "reason": reason} for name in _OF_THE_LINE]
        return {
            **whole,
            **dict.fromkeys(_OF_THE_LINE),
            "ceiling_percent": CEILING_PERCENT,
            "fitted": [],
            "foretold": None,
            "unknown": unknown,
        }
    foretold, line = calibration.foretold, calibration.line
    why_no_fit = f"fewer than {FIT_STEPS_MIN} steps say nothing of how well a line holds"
    unknown = [{"field": name, "reason": why_no_fit} for name in _OF_THE_FIT]
    return {
        **whole,
        "processor_us_per_request": calibration.processor_us_per_request,
        "requests_per_user_s": calibration.requests_per_million_s / US_PER_S,
        "memory_kib_per_user": calibration.memory_kib_per_user,
        "ceiling_percent": CEILING_PERCENT,
        "users_at_ceiling": calibration.users_at_ceiling,
        "range_percent": round(calibration.range_percent, 1),
        "r_squared": round(line.r_squared, 4) if calibration.has_known_fit else None,
        "error_percent": round(line.error_percent, 1) if calibration.has_known_fit else None,
        "unknown": [] if calibration.has_known_fit else unknown,
        "fitted": [
            {
                "users": each.users,
                "percent": round(each.percent, 1),
                "off_percent": None if each.off_percent is None else round(each.off_percent, 1),
            }
            for each in calibration.fitted
        ],
        "foretold": None
        if foretold is None
        else {**asdict(foretold), "error_percent": round(foretold.error_percent, 1)},
    }


def calibration_from_json(document: Mapping[str, Any]) -> Calibration:
    """The calibration that ``calibration_to_json`` wrote; what the line gives is not read.

    Raises:
        ValidationError: It is something else.
    """
    return convert(document, Calibration)
