"""Tariffs from their data files: one TOML file a tariff, its versions by date, read strictly."""

# Annotations are values here: msgspec would compile each anew from its text at every start.

from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from kernel.near_names import meant
from pricing.money import SECONDS_PER_HOUR, usd_micros
from pricing.strict_toml import (
    Money,
    NotNegative,
    Positive,
    Text,
    numbered,
    optional_usd_micros,
    read_toml,
    wrong_field,
)
from pricing.tariffs.examples import ExampleTable
from pricing.tariffs.model import (
    CancellationPolicy,
    Counted,
    Floor,
    Rounding,
    Tariff,
    UnknownTariffError,
)
from pricing.tariffs.published import PublishedPrice, UnitTier

DATA_FOLDER = Path(__file__).parent / "data"


class ByProtocol(Struct, frozen=True, forbid_unknown_fields=True):
    """A number for each of ``PROTOCOLS``; None: the file names none."""

    http: Positive | None = None
    browser: Positive | None = None
    websocket: Positive | None = None
    grpc: Positive | None = None
    jmeter: Positive | None = None
    postman: Positive | None = None
    selenium: Positive | None = None
    streaming: Positive | None = None

    def numbers(self) -> Mapping[str, int]:
        """Those that the file names."""
        return {name: number for name, number in asdict(self).items() if number is not None}


class _FloorTable(Struct, frozen=True, forbid_unknown_fields=True):
    minimum_s: Positive
    up_to_injectors: Positive | None = None


class _TierTable(Struct, frozen=True, forbid_unknown_fields=True):
    from_units: Positive
    usd_per_unit: Money


class _VersionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a tariff, as its file has it."""

    effective_from: date
    as_of: date
    unit: Text
    counts: Counted
    unit_s: Positive
    quantum_s: Positive
    cancellation: CancellationPolicy
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    floors: Annotated[tuple[_FloorTable, ...], Meta(min_length=1)] = ()
    floor_users_per_injector: Positive | None = None
    extra_injectors: NotNegative = 0
    users_per_injector: ByProtocol = ByProtocol()
    multipliers: ByProtocol = ByProtocol()
    rounding: Rounding = Rounding.UP
    theoretical_users_per_injector: ByProtocol = ByProtocol()
    usd_per_unit: Money | None = None
    unit_tiers: Annotated[tuple[_TierTable, ...], Meta(min_length=1)] = ()
    price_from: PublishedPrice | None = None
    listed_on: Text | None = None
    usd_per_user: Money | None = None
    machines_of: Text | None = None
    usd_per_sent_gb: Money | None = None
    no_price: Text | None = None
    examples: Annotated[tuple[ExampleTable, ...], Meta(min_length=1)] = ()


class _TariffFile(Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    versions: Annotated[tuple[_VersionTable, ...], Meta(min_length=1)]
    superseded_by: Text | None = None
    no_example: Text | None = None


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
            f"no tariff {name!r}{meant(name, tariff_names())}; there are "
            + ", ".join(tariff_names()),
            tariff=name,
        )
    return read_tariff_file(DATA_FOLDER / f"{name}.toml")


def read_tariff_file(path: Path) -> tuple[Tariff, ...]:
    """All versions in a tariff file, oldest first; the file's name is the tariff's.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    file = read_toml(path, _TariffFile)
    versions = tuple(
        replace(
            _version_of(path.stem, file.title, table, numbered(path, "versions", number)),
            superseded_by=file.superseded_by,
            no_example=file.no_example,
        )
        for number, table in enumerate(file.versions, 1)
    )
    if any(version.examples for version in versions) == (file.no_example is not None):
        raise wrong_field(path, "no_example", "(why) must be given, or else examples in a version")
    for earlier, later in pairwise(versions):
        if earlier.version >= later.version:
            raise wrong_field(path, "versions", "must come oldest first, each with its own day")
    return versions


def _version_of(name: str, title: str, table: _VersionTable, where: str) -> Tariff:
    tariff = Tariff(
        name=name,
        title=title,
        version=table.effective_from,
        as_of=table.as_of,
        unit=table.unit,
        counts=table.counts,
        unit_s=table.unit_s,
        quantum_s=table.quantum_s,
        floors=tuple(Floor(each.up_to_injectors, each.minimum_s) for each in table.floors),
        floor_users_per_injector=table.floor_users_per_injector,
        extra_injectors=table.extra_injectors,
        users_per_injector=table.users_per_injector.numbers(),
        multipliers=table.multipliers.numbers(),
        cancellation=table.cancellation,
        rounding=table.rounding,
        theoretical_users_per_injector=table.theoretical_users_per_injector.numbers(),
        usd_micros_per_unit=optional_usd_micros(table.usd_per_unit),
        unit_tiers=tuple(
            UnitTier(each.from_units, usd_micros(each.usd_per_unit)) for each in table.unit_tiers
        ),
        price_from=table.price_from,
        listed_on=table.listed_on,
        usd_micros_per_user=optional_usd_micros(table.usd_per_user) or 0,
        machines_of=table.machines_of,
        usd_micros_per_sent_gb=optional_usd_micros(table.usd_per_sent_gb) or 0,
        no_price=table.no_price,
        sources=table.sources,
        notes=table.notes,
        examples=tuple(
            each.example(numbered(where, "examples", number))
            for number, each in enumerate(table.examples, 1)
        ),
    )
    _check_floors(tariff, where)
    _check(tariff, where)
    return tariff


def _check(tariff: Tariff, where: str) -> None:
    """Refuse what is well formed, but says something that cannot be priced."""
    prices = (
        tariff.usd_micros_per_unit is not None,
        tariff.no_price is not None,
        tariff.machines_of is not None,
    )
    if sum(prices) != 1:
        raise wrong_field(
            where, "usd_per_unit", "or else no_price (why) or machines_of must be given"
        )
    if (tariff.price_from is None) != (tariff.no_price is not None):
        raise wrong_field(where, "price_from", "must be given where there is a price, only there")
    _check_tiers(tariff, where)
    if tariff.machines_of and (
        tariff.counts is not Counted.INJECTORS or tariff.unit_s != SECONDS_PER_HOUR
    ):
        raise wrong_field(where, "machines_of", "needs injectors that are counted by the hour")
    if tariff.counts is Counted.RESERVED_USERS and not tariff.users_per_injector:
        raise wrong_field(where, "users_per_injector", "is needed to reserve users")
    if len(tariff.floors) > 1 and not tariff.looks_at_injectors:
        raise wrong_field(where, "floors", "by fleet size need a tariff that looks at injectors")
    if any(floor.minimum_s % tariff.quantum_s for floor in tariff.floors):
        raise wrong_field(where, "floors", "must be whole quanta")


def _check_tiers(tariff: Tariff, where: str) -> None:
    """Tiers rise, and need a price that they begin after."""
    if tariff.unit_tiers and tariff.usd_micros_per_unit is None:
        raise wrong_field(where, "unit_tiers", "need usd_per_unit, the price of the first units")
    if any(one.from_units >= two.from_units for one, two in pairwise(tariff.unit_tiers)):
        raise wrong_field(where, "unit_tiers", "must rise, each from more units than before")


def _check_floors(tariff: Tariff, where: str) -> None:
    """Floors rise with the fleet, so that a larger or longer test never costs less (R3)."""
    floors = tariff.floors
    for smaller, larger in pairwise(floors):
        if smaller.up_to_injectors is None:
            raise wrong_field(where, "floors", "without up_to_injectors must come last")
        rises = larger.up_to_injectors is None or smaller.up_to_injectors < larger.up_to_injectors
        if not rises or smaller.minimum_s > larger.minimum_s:
            raise wrong_field(where, "floors", "must rise: larger fleets, never a shorter minimum")
    if floors and floors[-1].up_to_injectors is not None:
        raise wrong_field(where, "floors", "must end with one without up_to_injectors")
