"""Step: a number of users held for a while on one processor core, and what that took of it."""

from __future__ import annotations

from msgspec import Struct

US_PER_S = 1_000_000
"""Processor time of one core in a second, in microseconds."""


class CalibrationStep(Struct, frozen=True, forbid_unknown_fields=True):
    """What a number of users took, second by second on average.

    Attributes:
        users: Active all the time.
        processor_us_per_s: Processor time of the load engine in microseconds a second; all of one
            core is 1,000,000.
        memory_kib: Most memory that it held.
        requests_per_s: Requests that it made.
        failures_per_s: How many of them failed.
        others_us_per_s: Processor time of everything else on the machine.
        begun: Requests that had been begun and had no answer when the step began, or were begun
            in it; None: not known. So for the next.
        longest_wait_s: How long one of them waited without an answer at its end.
    """

    users: int
    processor_us_per_s: int
    memory_kib: int
    requests_per_s: float
    failures_per_s: float
    others_us_per_s: int
    begun: int | None = None
    longest_wait_s: float | None = None

    @property
    def processor_percent(self) -> float:
        """Of one core."""
        return 100 * self.processor_us_per_s / US_PER_S
