"""Speeds: how much a virtual processor counts in a plan, of one of the standard injector's.

What counts is a processor while all of its machine are busy, as on an injector at its ceiling: a
thread that has its core for itself does more than when its sibling works, too. Of a family that
nobody measured the processors count as the slowest that were measured: what is not known must not
look cheap.

Users per injector, as they are published, are taken for those of a ``c7i.large``, and processor
time per request, as it was measured by itself, for that of a core of the same kind without a busy
sibling. See docs/decisions/speed-of-processors.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from msgspec import Struct

from pricing.catalog import Catalog, CoreSpeed, MachineType

REFERENCE = "c7i"
"""The family of which a virtual processor counts 100 %."""

LONE_CORE_PERCENT = 130
"""What a core does for a thread that has it for itself, of what each of two does that share it.

By PassMark on the same processors with and without a second thread on each core: 4,804 and 3,697
(Standard_F4as_v6 and D4as_v6, EPYC 9V74), 5,866 and 4,700 (Standard_F4als_v7 and D4als_v7, EPYC
9V45), which is 1.30 and 1.25. The greater is the careful one.
"""


class VcpuSpeed(Struct, frozen=True):
    """How much a virtual processor counts; the fields are those of ``Host``.

    Attributes:
        percent: Of one of the reference's, all busy.
        core_percent: What a processor counts on which requests were measured by themselves.
    """

    percent: int
    core_percent: int


ALIKE = VcpuSpeed(100, 100)
"""Every virtual processor counts as much as any other."""


class CountedFamily(Struct, frozen=True):
    """How much a virtual processor of a family counts.

    Attributes:
        family: The family.
        percent: Of one of the reference's.
        is_measured: Its processor was; if not, it counts as the slowest that was.
    """

    family: str
    percent: int
    is_measured: bool


class CountedSpeeds(Struct, frozen=True):
    """By which speeds machines were chosen.

    Attributes:
        reference: The family whose virtual processor counts 100 %.
        as_of: The day of the newest measurement in the table.
        source: Key of ``Catalog.sources``.
        families: Those of the chosen machines.
    """

    reference: str
    as_of: date
    source: str
    families: tuple[CountedFamily, ...]


class _Speeds(Struct, frozen=True):
    """Of each family that was measured, and of all others."""

    known: Mapping[tuple[str, str], VcpuSpeed]
    others: VcpuSpeed


def speed_of(catalog: Catalog, machine: MachineType) -> VcpuSpeed:
    """How much a virtual processor of the machine does; all alike where none are known.

    Whole percents, rounded down.
    """
    speeds = _speeds(catalog)
    return speeds.known.get((machine.provider, machine.family), speeds.others)


def counted_speeds(catalog: Catalog, machines: Sequence[MachineType]) -> CountedSpeeds | None:
    """By which speeds these machines count; None: the catalogue has none, and all count alike."""
    table = catalog.core_speeds()
    reference = _reference(table)
    if reference is None:
        return None
    families = {
        machine.family: CountedFamily(
            machine.family,
            speed_of(catalog, machine).percent,
            (machine.provider, machine.family) in table,
        )
        for machine in machines
    }
    return CountedSpeeds(
        reference=REFERENCE,
        as_of=max(speed.as_of for speed in table.values()),
        source=reference.source,
        families=tuple(families.values()),
    )


def _reference(table: Mapping[tuple[str, str], CoreSpeed]) -> CoreSpeed | None:
    return next((speed for (_, family), speed in table.items() if family == REFERENCE), None)


@lru_cache(maxsize=16)
def _speeds(catalog: Catalog) -> _Speeds:
    table = catalog.core_speeds()
    reference = _reference(table)
    if reference is None:
        return _Speeds({}, ALIKE)
    known = {
        place: VcpuSpeed(
            max(1, 100 * speed.busy_vcpu // reference.busy_vcpu),
            LONE_CORE_PERCENT,
        )
        for place, speed in table.items()
    }
    return _Speeds(known, min(known.values(), key=lambda speed: speed.percent))
