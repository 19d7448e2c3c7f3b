"""How things are measured: in turn, several times, medians, and their ratio pair by pair."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was measured.
        measured: Its median, for people.
        against: What it was measured against, and that median.
        ratio: Measured over against, or the other way round where the name says so.
        bound: What the project promises.
    """

    name: str
    measured: str
    against: str
    ratio: float
    bound: str


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    one: Callable[[], object], other: Callable[[], object], *, rounds: int
) -> tuple[float, float, float]:
    """Medians in seconds, and the median ratio; measured A B A B after a warm-up."""
    one()
    other()
    pairs = [(seconds(one), seconds(other)) for _ in range(rounds)]
    return (
        statistics.median(first for first, _ in pairs),
        statistics.median(second for _, second in pairs),
        statistics.median(first / second for first, second in pairs),
    )


def peak_kib() -> int:
    """The most memory that this process has had, in KiB.

    From where Linux says it of this program alone: ``getrusage`` counts the parent's, too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def shown(duration_s: float) -> str:
    """A duration for people."""
    if duration_s < 1e-3:
        return f"{duration_s * 1e6:.0f} us"
    return f"{duration_s * 1e3:.1f} ms" if duration_s < 1 else f"{duration_s:.2f} s"
