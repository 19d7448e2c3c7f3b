"""A new version of the catalogue: the files of another one, with what was found put in.

Pure: tables in, texts of files and what changed out. What was not asked for, or not found, stays as
it is, with its date and source.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from pricing.catalog import PRICED_CLOUDS, Catalog, MachineType, Source
from pricing.catalog.ancillary_prices import (
    ANCILLARY_PRICES_COLUMNS,
    ANCILLARY_PRICES_FILE,
    EGRESS_TIERS_COLUMNS,
    EGRESS_TIERS_FILE,
)
from pricing.catalog.catalog import (
    MACHINE_TYPE_COLUMNS,
    OFFERING_COLUMNS,
    REFRESHED_COLUMNS,
    REFRESHED_FILE,
    SPOT_COLUMNS,
)
from pricing.catalog.service_prices import SERVICE_PRICES_COLUMNS, SERVICE_PRICES_FILE
from pricing.money import format_usd
from pricing.refreshing.changes import RegionChanges, RegionPriceList, changes_of, natural
from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    NAT_GB,
    NAT_HOUR,
    PUBLIC_IPV4,
    SERVICE_UNIT,
    SPOT,
    ListedPrice,
)

_PER = {PUBLIC_IPV4: "hour", EGRESS: "GB", NAT_HOUR: "hour", NAT_GB: "GB"}

Row = tuple[str, ...]


class Tables(Struct, frozen=True):
    """The tables of a catalogue that hold more than one region, as they are on disk.

    ``machine_types`` are those of the provider that is refreshed.
    """

    machine_types: Sequence[Row]
    ancillary_prices: Sequence[Row]
    egress_tiers: Sequence[Row]
    service_prices: Sequence[Row]
    refreshed: Sequence[Row]


class Merged(Struct, frozen=True):
    """Files to put over those of the catalogue before, by their path in it; and what changes."""

    files: Mapping[str, str]
    changes: tuple[RegionChanges, ...]


def unknown_types(tables: Tables, regions: Iterable[RegionPriceList]) -> tuple[str, ...]:
    """Machine types with a price whose size no table knows."""
    known = {row[0] for row in tables.machine_types}
    names = {price.name for each in regions for price in each.prices if price.item == MACHINE}
    return tuple(sorted(names - known))


def prices_before(base: Catalog, provider: str, region: str) -> dict[str, int]:
    """Hourly micro-dollars by machine type; none in a region that is new."""
    if region not in base.regions(provider):
        return {}
    return {each.machine.name: each.hourly_usd_micros for each in base.offerings(provider, region)}


def with_refreshed(bundled: Tables, other: Tables) -> Tables:
    """The bundled tables, with what another catalogue has from refreshes.

    The bundled ones may be newer than those that the other catalogue was made from.
    """
    known = {row[0] for row in bundled.machine_types}
    places = {row[:2] for row in other.refreshed}
    around = [row for row in other.ancillary_prices if row[:2] in places]
    tiers = [row for row in other.egress_tiers if row[:2] in places]
    return Tables(
        machine_types=(
            *bundled.machine_types,
            *(row for row in other.machine_types if row[0] not in known),
        ),
        ancillary_prices=_replaced(bundled.ancillary_prices, around, 3),
        egress_tiers=_replaced(bundled.egress_tiers, tiers, 2),
        service_prices=[row for row in other.service_prices if row[:2] in places],
        refreshed=other.refreshed,
    )


def merged(
    base: Catalog,
    tables: Tables,
    provider: str,
    regions: Sequence[RegionPriceList],
    *,
    new_types: Mapping[str, MachineType],
    sources: Mapping[str, Source],
    day: date,
) -> Merged:
    """The new files.

    Args:
        base: The catalogue before; what changes is told against it.
        tables: The common tables to put the new rows into.
        provider: Whose prices were asked for.
        regions: What was found; each is complete.
        new_types: Sizes of machine types that the tables do not know, by name.
        sources: Where all figures come from; the new ones by the keys of the cloud's facts.
        day: When they were asked for.
    """
    stamp, keys = day.isoformat(), PRICED_CLOUDS[provider].sources
    sizes = {*(row[0] for row in tables.machine_types), *new_types}
    files: dict[str, str] = {}
    changes = []
    for found in regions:
        files |= _region_files(provider, found, sizes, stamp)
        before = prices_before(base, provider, found.region)
        changes.append(changes_of(found, before, sizes))
    assert keys.types is not None or not new_types, "sizes come from a list that has a key"
    rows = (_type_row(each, stamp, str(keys.types)) for each in new_types.values())
    files[f"{provider}/machine-types.csv"] = _csv(
        MACHINE_TYPE_COLUMNS,
        sorted((*tables.machine_types, *rows), key=lambda row: natural(row[0])),
    )
    files |= _common_files(tables, provider, regions, stamp)
    files["sources.toml"] = _sources(sources)
    return Merged(files, tuple(changes))


def _region_files(
    provider: str, found: RegionPriceList, sizes: Collection[str], stamp: str
) -> dict[str, str]:
    """The machines' prices, and the spot prices if any were found."""
    keys = PRICED_CLOUDS[provider].sources
    known = [each for each in found.prices if each.name in sizes]
    machines = sorted(
        (each for each in known if each.item == MACHINE), key=lambda each: natural(each.name)
    )
    spot = sorted(
        (each for each in known if each.item == SPOT),
        key=lambda each: (natural(each.name), each.zone),
    )
    rows = [(each.name, format_usd(each.usd_micros), stamp, keys.prices) for each in machines]
    files = {f"{provider}/regions/{found.region}.csv": _csv(OFFERING_COLUMNS, rows)}
    if spot:
        files[f"{provider}/spot/{found.region}.csv"] = _csv(
            SPOT_COLUMNS,
            [
                (each.name, each.zone, format_usd(each.usd_micros), stamp, keys.spot)
                for each in spot
            ],
        )
    return files


def _common_files(
    tables: Tables, provider: str, regions: Sequence[RegionPriceList], stamp: str
) -> dict[str, str]:
    """What surrounds machines, and which regions were refreshed when."""
    source = PRICED_CLOUDS[provider].sources.prices
    around = _replaced(tables.ancillary_prices, _around(provider, regions, stamp, source), 3)
    tiers = _replaced(tables.egress_tiers, _tiers(provider, regions, stamp, source), 2)
    services = _replaced(tables.service_prices, _services(provider, regions, stamp, source), 2)
    fresh = [(provider, each.region, stamp) for each in regions]
    return {
        ANCILLARY_PRICES_FILE: _csv(
            ANCILLARY_PRICES_COLUMNS, sorted(around, key=lambda row: (row[0], row[2], row[1]))
        ),
        EGRESS_TIERS_FILE: _csv(
            EGRESS_TIERS_COLUMNS, sorted(tiers, key=lambda row: (row[0], row[1], int(row[2])))
        ),
        SERVICE_PRICES_FILE: _csv(
            SERVICE_PRICES_COLUMNS, sorted(services, key=lambda row: (row[0], row[1], int(row[2])))
        ),
        REFRESHED_FILE: _csv(REFRESHED_COLUMNS, sorted(_replaced(tables.refreshed, fresh, 2))),
    }


def _around(
    provider: str, regions: Iterable[RegionPriceList], stamp: str, source: str
) -> Iterable[Row]:
    """Rows of ``surroundings.csv``; of egress the tier that is charged first."""
    disk_per = PRICED_CLOUDS[provider].disk_priced_per
    for found in regions:
        first_tiers = _tiers_of(provider, found)[:1]
        others = [
            each for each in found.prices if each.item in {BOOT_DISK, PUBLIC_IPV4, NAT_HOUR, NAT_GB}
        ]
        for each in (*first_tiers, *others):
            per = disk_per if each.item == BOOT_DISK else _PER[each.item]
            usd = format_usd(each.usd_micros)
            yield (provider, found.region, each.item, usd, per, stamp, source, "no", "", "")


def _tiers(
    provider: str, regions: Iterable[RegionPriceList], stamp: str, source: str
) -> Iterable[Row]:
    for found in regions:
        for tier in _tiers_of(provider, found):
            usd = format_usd(tier.usd_micros)
            yield (provider, found.region, str(tier.from_gb), usd, stamp, source)


def _services(
    provider: str, regions: Iterable[RegionPriceList], stamp: str, source: str
) -> Iterable[Row]:
    """Rows of ``service-prices.csv``; none of a region whose first units have no price."""
    for found in regions:
        tiers = sorted(
            (each for each in found.prices if each.item == SERVICE_UNIT),
            key=lambda each: each.from_gb,
        )
        if tiers and tiers[0].from_gb == 0:
            for tier in tiers:
                usd = format_usd(tier.usd_micros)
                yield (provider, found.region, str(tier.from_gb), usd, stamp, source)


def _tiers_of(provider: str, found: RegionPriceList) -> list[ListedPrice]:
    """The tiers of egress by size; none if the one that is charged first is missing."""
    tiers = sorted(
        (each for each in found.prices if each.item == EGRESS), key=lambda each: each.from_gb
    )
    free_gb = PRICED_CLOUDS[provider].free_egress_gb
    return tiers if tiers and tiers[0].from_gb <= free_gb else []


def _replaced(rows: Sequence[Row], new: Iterable[Row], key_columns: int) -> list[Row]:
    """The rows, without those that new ones with the same first columns stand for."""
    added = list(new)
    keys = {row[:key_columns] for row in added}
    return [*(row for row in rows if row[:key_columns] not in keys), *added]


def _type_row(machine: MachineType, stamp: str, source: str) -> Row:
    baseline, burst = machine.network_baseline_mbps, machine.network_burst_mbps
    return (
        machine.name,
        machine.family,
        str(machine.vcpus),
        str(machine.memory_mib),
        machine.architecture,
        "" if baseline is None else str(baseline),
        "" if burst is None else str(burst),
        "yes" if machine.burstable else "no",
        stamp,
        source,
    )


def _sources(sources: Mapping[str, Source]) -> str:
    """The TOML file; its strings are written as JSON's, which TOML reads alike."""
    tables = []
    for key, source in sources.items():
        fields = {
            name: getattr(source, name) for name in ("title", "address", "version", "licence")
        }
        lines = [
            f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in fields.items()
        ]
        tables.append("\n".join((f"[{key}]", *lines, "")))
    return "\n".join(tables)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
