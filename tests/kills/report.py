"""What happened, over all batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.kills.plans import Pace


@dataclass
class Report:
    """Faults by kind, and what came of them.

    Attributes:
        kills: SIGKILLs that hit a living process: whom, and where its run was.
        interrupts: Ctrl-C before them, by the same.
        escaped: Processes that had ended before their instant came.
        runs: What is on record, by how it ended; ``never accepted`` for what is not.
        machines: Launched over all.
        cold_paces: How long a cold life took, from measurement to measurement.
        warm_paces: The same of a warm one.
        violations: What does not hold, one line each.
    """

    kills: Counter[str] = field(default_factory=Counter)
    interrupts: int = 0
    escaped: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    machines: int = 0
    cold_paces: list[Pace] = field(default_factory=list)
    warm_paces: list[Pace] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Add another's to this one's."""
        self.kills += other.kills
        self.interrupts += other.interrupts
        self.escaped += other.escaped
        self.runs += other.runs
        self.machines += other.machines
        self.cold_paces += other.cold_paces
        self.warm_paces += other.warm_paces
        self.violations += other.violations
