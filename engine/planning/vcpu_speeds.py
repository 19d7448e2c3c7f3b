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

from kernel.division import ceil_div
from pricing.catalog import Catalog, CoreSpeed, MachineType

REFERENCE = "c7i"
"""The family of which a virtual processor counts 100 %."""

LONE_CORE_PERCENT = 130
"""What a core does for a thread that has it for itself, of what each of two does that share it.

By PassMark on the same processors with and without a second thread on each core: 4,804 and 3,697
(Standard_F4as_v6 and D4as_v6, EPYC 9V74), 5,866 and 4,700 (Standard_F4als_v7 and D4als_v7, EPYC
9V45), which is 1.30 and 1.25. The greater is the careful one.
"""


APART_PERCENT = 17
"""By how much measurements of one processor lie apart, at most: 2,819 of 3,399 (Xeon 8573C)."""


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


def speed_of(
    catalog: Catalog, machine: MachineType, unmeasured_percent: int | None = None
) -> VcpuSpeed:
    """How much a virtual processor of the machine does; all alike where none are known.

    Args:
        catalog: Has the speeds, as whole percents rounded down.
        machine: The machine.
        unmeasured_percent: What one counts that nobody measured; None: as the slowest that was.
    """
    speeds = _speeds(catalog)
    others = speeds.others
    if unmeasured_percent is not None and speeds.known:
        others = VcpuSpeed(unmeasured_percent, LONE_CORE_PERCENT)
    return speeds.known.get((machine.provider, machine.family), others)


def unmeasured_range(catalog: Catalog) -> tuple[int, int]:
    """Between which percents a virtual processor lies that nobody measured.

    From what the slowest may be, by how far measurements lie apart, to the reference.
    """
    slowest = _speeds(catalog).others.percent
    return slowest * (100 - APART_PERCENT) // 100, ALIKE.percent


def is_measured(catalog: Catalog, machine: MachineType) -> bool:
    """Whether somebody measured how much its processors do; true where speeds do not count."""
    known = _speeds(catalog).known
    return not known or (machine.provider, machine.family) in known


def reference_us(
    catalog: Catalog, provider: str, machine_type: str, processor_us: int, *, alone: bool
) -> int | None:
    """What a machine's processor took, as time of a core of the reference without a busy sibling.

    Args:
        catalog: Has the speeds.
        provider: Whose machine it is.
        machine_type: Its type.
        processor_us: What was measured on it.
        alone: Its other processors were idle; if not, all were busy.

    Returns:
        Rounded up; None: how much such a processor does is not known.
    """
    machine = catalog.machine_types(provider).get(machine_type)
    table = catalog.core_speeds()
    reference = _reference(table)
    speed = None if machine is None else table.get((provider, machine.family))
    if speed is None or reference is None:
        return None
    shared = LONE_CORE_PERCENT if alone and speed.threads_per_core > 1 else ALIKE.percent
    done = processor_us * speed.busy_vcpu * shared
    return max(1, ceil_div(done, reference.busy_vcpu * LONE_CORE_PERCENT))


def lone_core_range(catalog: Catalog) -> tuple[int, int]:
    """Between which percents of the reference's a core lies that has no busy sibling."""
    table = catalog.core_speeds()
    reference = _reference(table)
    if reference is None:
        return ALIKE.percent, ALIKE.percent
    cores = [
        speed.busy_vcpu * (LONE_CORE_PERCENT if speed.threads_per_core > 1 else ALIKE.percent)
        for speed in table.values()
    ]
    whole = reference.busy_vcpu * LONE_CORE_PERCENT
    return 100 * min(cores) // whole, ceil_div(100 * max(cores), whole)


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
