"""Tariffs from their data files: one TOML file a tariff, its versions by date, read strictly."""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace

from pricing.money import SECONDS_PER_HOUR
from pricing.strict_toml import Table, read_toml
from pricing.tariffs.examples import read_examples
from pricing.tariffs.model import (
    PROTOCOLS,
    CancellationPolicy,
    Counted,
    Floor,
    Rounding,
    Tariff,
    UnknownTariffError,
)

DATA_FOLDER = Path(__file__).parent / "data"


@cache
def tariff_names() -> tuple[str, ...]:
    """All tariffs that there are, by name."""
    return tuple(sorted(path.stem for path in DATA_FOLDER.glob("*.toml")))


def load_tariff(name: str, at: date | None = None) -> Tariff:
    """The version of a tariff that is in force on a day.

    Args:
        name: One of ``tariff_names()``.
        at: The day; None: the newest version. A day before the first known version gets the first:
            no older wording is known.

    Raises:
        UnknownTariffError: No such tariff; the message names those that there are.
    """
    versions = tariff_versions(name)
    if at is None:
        return versions[-1]
    in_force = [tariff for tariff in versions if tariff.version <= at]
    return in_force[-1] if in_force else versions[0]


@cache
def tariff_versions(name: str) -> tuple[Tariff, ...]:
    """All versions of a tariff, oldest first.

    Raises:
        UnknownTariffError: No such tariff.
    """
    if name not in tariff_names():
        raise UnknownTariffError(
            f"no tariff {name!r}; there are {', '.join(tariff_names())}", tariff=name
        )
    return read_tariff_file(DATA_FOLDER / f"{name}.toml")


def read_tariff_file(path: Path) -> tuple[Tariff, ...]:
    """All versions in a tariff file, oldest first; the file's name is the tariff's.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    file = read_toml(path)
    title = file.text("title")
    superseded_by = file.optional_text("superseded_by")
    no_example = file.optional_text("no_example")
    tables = file.tables("versions")
    file.finish()
    versions = tuple(
        replace(
            _read_version(path.stem, title, table),
            superseded_by=superseded_by,
            no_example=no_example,
        )
        for table in tables
    )
    if any(version.examples for version in versions) == (no_example is not None):
        raise file.wrong("no_example", "(why) must be given, or else examples in a version")
    for earlier, later in pairwise(versions):
        if earlier.version >= later.version:
            raise file.wrong("versions", "must come oldest first, each with its own day")
    return versions


def _read_version(name: str, title: str, table: Table) -> Tariff:
    tariff = Tariff(
        name=name,
        title=title,
        version=table.day("effective_from"),
        as_of=table.day("as_of"),
        unit=table.text("unit"),
        counts=table.choice("counts", Counted),
        unit_s=table.integer("unit_s", minimum=1),
        quantum_s=table.integer("quantum_s", minimum=1),
        floors=_read_floors(table),
        floor_users_per_injector=table.optional_integer("floor_users_per_injector", minimum=1),
        extra_injectors=table.integer("extra_injectors", minimum=0, default=0),
        users_per_injector=table.integers("users_per_injector", names=PROTOCOLS),
        multipliers=table.integers("multipliers", names=PROTOCOLS),
        cancellation=table.choice("cancellation", CancellationPolicy),
        rounding=table.choice("rounding", Rounding, default=Rounding.UP),
        usd_micros_per_unit=table.optional_money_usd_micros("usd_per_unit"),
        usd_micros_per_user=table.optional_money_usd_micros("usd_per_user") or 0,
        machines_of=table.optional_text("machines_of"),
        usd_micros_per_sent_gb=table.optional_money_usd_micros("usd_per_sent_gb") or 0,
        not_published=table.optional_text("not_published"),
        sources=table.texts("sources"),
        notes=table.texts("notes"),
        examples=read_examples(table),
    )
    table.finish()
    _check(table, tariff)
    return tariff


def _check(table: Table, tariff: Tariff) -> None:
    """Refuse what is well formed, but says something that cannot be priced."""
    prices = (
        tariff.usd_micros_per_unit is not None,
        tariff.not_published is not None,
        tariff.machines_of is not None,
    )
    if sum(prices) != 1:
        raise table.wrong(
            "usd_per_unit", "or else not_published (why) or machines_of must be given"
        )
    if tariff.machines_of and (
        tariff.counts is not Counted.INJECTORS or tariff.unit_s != SECONDS_PER_HOUR
    ):
        raise table.wrong("machines_of", "needs injectors that are counted by the hour")
    if tariff.counts is Counted.RESERVED_USERS and not tariff.users_per_injector:
        raise table.wrong("users_per_injector", "is needed to reserve users")
    if len(tariff.floors) > 1 and not tariff.looks_at_injectors:
        raise table.wrong("floors", "by fleet size need a tariff that looks at injectors")
    if any(floor.minimum_s % tariff.quantum_s for floor in tariff.floors):
        raise table.wrong("floors", "must be whole quanta")


def _read_floors(table: Table) -> tuple[Floor, ...]:
    """Floors rise with the fleet, so that a larger or longer test never costs less (R3)."""
    floors = []
    for entry in table.optional_tables("floors"):
        up_to_injectors = entry.optional_integer("up_to_injectors", minimum=1)
        floors.append(Floor(up_to_injectors, entry.integer("minimum_s", minimum=1)))
        entry.finish()
    for smaller, larger in pairwise(floors):
        if smaller.up_to_injectors is None:
            raise table.wrong("floors", "without up_to_injectors must come last")
        rises = larger.up_to_injectors is None or smaller.up_to_injectors < larger.up_to_injectors
        if not rises or smaller.minimum_s > larger.minimum_s:
            raise table.wrong("floors", "must rise: larger fleets, never a shorter minimum")
    if floors and floors[-1].up_to_injectors is not None:
        raise table.wrong("floors", "must end with one without up_to_injectors")
    return tuple(floors)
