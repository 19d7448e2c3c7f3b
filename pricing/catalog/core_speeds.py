"""How much the processors of machine families do, as others have measured them.

Two figures, because they part ways: a thread that has a core for itself, and a virtual processor
while all of its machine are busy. Where two threads share a core the second is far less. Of what
nobody measured nothing is known. What a plan makes of them says ``engine.planning.core_speeds``.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from msgspec import Struct

from pricing.catalog.tables import day, read_table

CORE_SPEEDS_FILE = "core-speeds.csv"
CORE_SPEEDS_COLUMNS = (
    "provider",
    "family",
    "measured_type",
    "single_thread",
    "busy_vcpu",
    "threads_per_core",
    "as_of",
    "source",
)


class CoreSpeed(Struct, frozen=True):
    """What PassMark measured on a machine with the processor of a family.

    Attributes:
        measured_type: The machine type that was measured.
        single_thread: Score of one thread while the others idle.
        busy_vcpu: Score of a virtual processor while all are busy: the geometric mean of integer
            arithmetic and sorting, by the processors of the machine.
        threads_per_core: 1: a virtual processor is a core; 2: it is a thread of one.
        as_of: The day of the measurement.
        source: Key of ``Catalog.sources``.
    """

    measured_type: str
    single_thread: int
    busy_vcpu: int
    threads_per_core: int
    as_of: date
    source: str


def read_core_speeds(folder: Path, remedy: str = "") -> dict[tuple[str, str], CoreSpeed]:
    """By provider and family; empty where a catalogue has no such file.

    Raises:
        CatalogUnreadableError: With the file and the line.
    """
    path = folder / CORE_SPEEDS_FILE
    if not path.exists():
        return {}
    return dict(read_table(path, CORE_SPEEDS_COLUMNS, _build, remedy))


def _build(row: list[str]) -> tuple[tuple[str, str], CoreSpeed]:
    provider, family, measured_type, single, busy, threads, as_of, source = row
    speed = CoreSpeed(measured_type, int(single), int(busy), int(threads), day(as_of), source)
    return (provider, family), speed
