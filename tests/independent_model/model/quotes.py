"""What a run costs: LI-minutes, or money for them and for its users (C4, C5, C32, C36)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.independent_model.model.catalogue import (
    CENT,
    FLOOR_BEYOND,
    FLOORS,
    LI_MINUTE_USD_MICROS,
    MINUTE_S,
    USER_USD_MICROS,
    Plan,
)


@dataclass(frozen=True)
class Quote:
    """A run's price in two lines, in LI-minutes or in micro-dollars.

    Attributes:
        startup: Obtaining the injectors: what the tariff's floor asks for.
        use: All beyond.
    """

    in_money: bool
    startup: int
    use: int
    injectors: int
    duration_s: int
    cancelling: str

    @property
    def total(self) -> int:
        """All of it."""
        return self.startup + self.use

    def kept_after_cancel(self, played_s: float) -> int:
        """What of the use stays charged when so much was played (C5)."""
        if self.cancelling == "startup_only":
            return 0
        if self.cancelling == "full_quote":
            return self.use
        if played_s >= self.duration_s:
            return self.use
        begun = started_minutes(played_s) - floor_of(self.injectors)
        if begun <= 0:
            return 0
        share = Fraction(begun, started_minutes(self.duration_s) - floor_of(self.injectors))
        unit = CENT if self.in_money else 1
        return int(share * self.use / unit + Fraction(1, 2)) * unit


def quote(plan: Plan, injectors: int, users: int, duration_s: int) -> Quote:
    """What a run is charged when it starts (R2, R5, C4)."""
    startup = floor_of(injectors) * injectors
    beyond = max(0, started_minutes(duration_s) - floor_of(injectors)) * injectors
    if plan.credits:
        return Quote(False, startup, beyond, injectors, duration_s, plan.cancelling)  # noqa: FBT003
    exact = (startup + beyond) * LI_MINUTE_USD_MICROS + users * USER_USD_MICROS
    total = (exact + CENT // 2) // CENT * CENT
    first = startup * LI_MINUTE_USD_MICROS
    return Quote(True, first, total - first, injectors, duration_s, plan.cancelling)  # noqa: FBT003


def started_minutes(seconds: float) -> int:
    """Each started minute counts (C36)."""
    return int(-(-seconds // MINUTE_S))


def floor_of(injectors: int) -> int:
    """The least number of minutes, by the size of the fleet."""
    return next((minutes for up_to, minutes in FLOORS if injectors <= up_to), FLOOR_BEYOND)
