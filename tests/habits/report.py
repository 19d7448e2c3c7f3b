"""What happened, over all sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Report:
    """Habits by kind, and what came of them.

    Attributes:
        sessions: Played, by where their runs went.
        habits: What was done while there was somebody to do it to.
        escaped: What came too late: the command or its run had ended.
        screens: Where the first commands' output went.
        codes: How commands ended, by command.
        runs: What is on record, by where and how it ended.
        machines: That the runs had.
        disks: Filled.
        finished: By whom what was open was ended.
        violations: What does not hold, one line each.
    """

    sessions: Counter[str] = field(default_factory=Counter)
    habits: Counter[str] = field(default_factory=Counter)
    escaped: Counter[str] = field(default_factory=Counter)
    screens: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    machines: int = 0
    disks: int = 0
    finished: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Add another's to this one's."""
        self.sessions += other.sessions
        self.habits += other.habits
        self.escaped += other.escaped
        self.screens += other.screens
        self.codes += other.codes
        self.runs += other.runs
        self.machines += other.machines
        self.disks += other.disks
        self.finished += other.finished
        self.violations += other.violations
