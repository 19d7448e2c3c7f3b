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
        spread: Between which the middle half of the ratios lie that it is the median of; None: it
            is not the median of several.
    """

    name: str
    measured: str
    against: str
    ratio: float
    bound: str
    spread: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Two things that were measured in turn.

    Attributes:
        one_s: Median of the one, in seconds.
        other_s: Median of the other.
        ratio: Median of one over other, pair by pair.
        spread: The quartiles of these ratios.
    """

    one_s: float
    other_s: float
    ratio: float
    spread: tuple[float, float]


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    one: Callable[[], object], other: Callable[[], object], *, rounds: int
) -> tuple[float, float, float]:
    """Medians in seconds, and the median ratio; measured A B A B after a warm-up."""
    turns = take_turns(one, other, rounds=rounds)
    return turns.one_s, turns.other_s, turns.ratio


def take_turns(one: Callable[[], object], other: Callable[[], object], *, rounds: int) -> Turns:
    """Measure A B A B after a warm-up, so that a busy machine slows both."""
    one()
    other()
    pairs = [(seconds(one), seconds(other)) for _ in range(rounds)]
    ratios = [first / second for first, second in pairs]
    low, _, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
    return Turns(
        statistics.median(first for first, _ in pairs),
        statistics.median(second for _, second in pairs),
        statistics.median(ratios),
        (low, high),
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
