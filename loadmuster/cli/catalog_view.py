"""How machine types, their prices and what surrounds them look, to people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pricing.catalog import (
    BILLING_RULES,
    MIB_PER_GIB,
    Catalog,
    EgressTier,
    NatPrices,
    Offering,
    Price,
    Source,
    SpotPrice,
    is_stale,
)
from pricing.catalog.burstable import saturated_hourly_usd_micros
from pricing.money import format_usd

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

LABELS = {
    "public_ipv4": "public IPv4",
    "boot_disk": "boot disk",
    "egress": "egress",
    "nat_hour": "NAT gateway",
    "nat_gb": "NAT traffic",
}


class Shown(Struct, frozen=True):
    """One machine type in one region, with all that the catalogue has about it.

    Attributes:
        catalog: The version of the catalogue.
        offering: The machine type and its price.
        ancillary_prices: By name: what is around it.
        tiers: Egress, by what a month has sent before.
        spot: Spot prices, if they were asked for.
        sources: Of all these figures, by their keys.
    """

    catalog: str
    offering: Offering
    ancillary_prices: Mapping[str, Price]
    tiers: tuple[EgressTier, ...]
    spot: tuple[SpotPrice, ...]
    sources: Mapping[str, Source]


def look_up(catalog: Catalog, provider: str, region: str, machine_type: str) -> Shown:
    """Everything about a machine type in a region.

    Raises:
        BadInputError: A leaf of it: no such provider, region or type.
    """
    offering = catalog.offering(provider, region, machine_type)
    tiers = catalog.egress_tiers(provider, region)
    spot = catalog.spot(provider, region, machine_type)
    ancillary_prices = {
        "public_ipv4": catalog.public_ipv4(provider, region),
        "boot_disk": catalog.boot_disk(provider, region),
        "egress": tiers[0].price,
        **_nat(catalog.nat(provider, region)),
    }
    used = [offering.source, *(each.source for each in ancillary_prices.values())]
    used += [each.source for each in spot]
    sources = catalog.sources()
    return Shown(
        catalog.name,
        offering,
        ancillary_prices,
        tiers,
        spot,
        {key: sources[key] for key in dict.fromkeys(used)},
    )


def shown_document(shown: Shown, today: date) -> dict[str, Any]:
    """It as JSON."""
    offering = shown.offering
    rule = BILLING_RULES[offering.machine.provider]
    saturated = saturated_hourly_usd_micros(offering)
    return {
        **offering_document(offering),
        "catalog": shown.catalog,
        "saturated_usd_per_hour": None if saturated is None else format_usd(saturated),
        "billing": {"minimum_s": rule.minimum_s, "step_s": rule.step_s},
        "surroundings": {name: _price(price) for name, price in shown.ancillary_prices.items()},
        "egress_tiers": [
            {"from_gb": tier.from_gb, "usd": format_usd(tier.price.usd_micros)}
            for tier in shown.tiers
        ],
        "spot": [
            {
                "zone": price.zone or None,
                "usd_per_hour": format_usd(price.hourly_usd_micros),
                "as_of": price.as_of.isoformat(),
            }
            for price in shown.spot
        ],
        "sources": {
            key: {"title": source.title, "address": source.address}
            for key, source in shown.sources.items()
        },
        "warnings": list(_warnings(shown, today)),
    }


def show_offering(console: Console, shown: Shown, today: date) -> None:
    """It as a table, and what to mind."""
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rule = BILLING_RULES[shown.offering.machine.provider]
    for label, text in _in_words(shown.offering):
        table.add_row(label, text)
    if shown.spot:
        table.add_row("spot", _spot_in_words(shown.spot))
    table.add_row("billed", f"by {rule.step_s} s, at least {rule.minimum_s} s")
    for name, price in shown.ancillary_prices.items():
        table.add_row(LABELS[name], _price_in_words(price))
        for tier in shown.tiers[1:] if name == "egress" else ():
            usd = format_usd(tier.price.usd_micros)
            table.add_row("", f"{usd} USD from {tier.from_gb:,} GB a month on")
    table.add_row("catalogue", shown.catalog)
    for source in shown.sources.values():
        table.add_row("source", f"{source.title}, {source.version}")
    console.print(table)
    for warning in _warnings(shown, today):
        console.print(f"Note: {warning}")


def offering_document(offering: Offering) -> dict[str, Any]:
    """An offering as JSON."""
    machine = offering.machine
    return {
        "provider": machine.provider,
        "region": offering.region,
        "instance_type": machine.name,
        "family": machine.family,
        "vcpus": machine.vcpus,
        "memory_mib": machine.memory_mib,
        "architecture": machine.architecture,
        "network_baseline_mbps": machine.network_baseline_mbps,
        "network_burst_mbps": machine.network_burst_mbps,
        "burstable": machine.burstable,
        "usd_per_hour": format_usd(offering.hourly_usd_micros),
        "as_of": offering.as_of.isoformat(),
        "source": offering.source,
    }


def _price(price: Price) -> dict[str, Any]:
    low, high = price.low_usd_micros, price.high_usd_micros
    return {
        "usd": format_usd(price.usd_micros),
        "per": price.per,
        "estimated": price.estimated,
        "usd_low": None if low is None else format_usd(low),
        "usd_high": None if high is None else format_usd(high),
        "as_of": price.as_of.isoformat(),
        "source": price.source,
    }


def region_document(in_use: Catalog, provider: str, region: str) -> dict[str, Any]:
    """A region as JSON: how many machine types it has, and how old their prices are."""
    offerings = in_use.offerings(provider, region)
    return {
        "provider": provider,
        "region": region,
        "machine_types": len(offerings),
        "oldest_as_of": min(offering.as_of for offering in offerings).isoformat(),
        "newest_as_of": max(offering.as_of for offering in offerings).isoformat(),
    }


def _warnings(shown: Shown, today: date) -> Iterator[str]:
    """What is old or estimated about the figures, and what a burstable type does under load."""
    offering = shown.offering
    if is_stale(offering.as_of, today):
        yield f"the price of the machine is of {offering.as_of}, older than a year"
    for name, price in shown.ancillary_prices.items():
        label = LABELS[name]
        if price.estimated:
            yield f"the price of {label} is estimated for {offering.region}"
        if is_stale(price.as_of, today):
            yield f"the price of {label} is of {price.as_of}, older than a year"
    if offering.machine.burstable:
        yield f"{_under_load(offering)}; load tests therefore never take it"


def _under_load(offering: Offering) -> str:
    """What becomes of a burstable type whose processors are kept busy."""
    saturated = saturated_hourly_usd_micros(offering)
    if saturated is not None:
        times = saturated / offering.hourly_usd_micros
        return (
            f"with all processors busy it costs {format_usd(saturated)} USD an hour, {times:.1f} "
            "times its list price, since what exceeds its credits is billed"
        )
    if offering.machine.provider == "azure":
        return "once its credits are used up it is throttled to its baseline"
    return "what exceeds its credits is throttled, or billed"


def _nat(nat: NatPrices | None) -> dict[str, Price]:
    return {} if nat is None else {"nat_hour": nat.hour, "nat_gb": nat.gigabyte}


def _spot_in_words(prices: Sequence[SpotPrice]) -> str:
    low = min(price.hourly_usd_micros for price in prices)
    high = max(price.hourly_usd_micros for price in prices)
    usd = format_usd(low) if low == high else f"{format_usd(low)} to {format_usd(high)}"
    zones = f" in {len(prices)} zones" if prices[0].zone else ""
    return f"{usd} USD per hour{zones}, as of {prices[0].as_of}"


def regions_table(regions: list[dict[str, Any]]) -> RichTable:
    """Regions, for people."""
    from rich.table import Table

    table = Table("provider", "region", "machine types", "prices as of")
    for each in regions:
        oldest, newest = each["oldest_as_of"], each["newest_as_of"]
        as_of = newest if oldest == newest else f"{oldest} to {newest}"
        table.add_row(each["provider"], each["region"], str(each["machine_types"]), as_of)
    return table


def offerings_table(offerings: Sequence[Offering]) -> RichTable:
    """Offerings, for people."""
    from rich.table import Table

    table = Table("region", "machine type", "vCPU", "GiB", "Mbit/s", "USD per hour", "as of")
    for each in offerings:
        machine = each.machine
        table.add_row(
            each.region,
            machine.name,
            str(machine.vcpus),
            _gib(machine.memory_mib),
            str(machine.network_baseline_mbps or machine.network_burst_mbps or "-"),
            format_usd(each.hourly_usd_micros),
            str(each.as_of),
        )
    return table


def _in_words(offering: Offering) -> list[tuple[str, str]]:
    machine = offering.machine
    burstable = ", burstable" if machine.burstable else ""
    return [
        ("machine type", f"{machine.name} ({machine.family}, {machine.architecture}{burstable})"),
        ("size", f"{machine.vcpus} vCPU, {_gib(machine.memory_mib)} GiB"),
        ("network, always", _mbps(machine.network_baseline_mbps)),
        ("network, at most", _mbps(machine.network_burst_mbps)),
        ("price", f"{format_usd(offering.hourly_usd_micros)} USD per hour, as of {offering.as_of}"),
    ]


def _price_in_words(price: Price) -> str:
    words = f"{format_usd(price.usd_micros)} USD per {price.per}, as of {price.as_of}"
    if not price.estimated:
        return words
    if price.low_usd_micros is None or price.high_usd_micros is None:
        return f"{words}, estimated"
    low, high = format_usd(price.low_usd_micros), format_usd(price.high_usd_micros)
    return f"{words}, estimated: {low} to {high}"


def _mbps(rate: int | None) -> str:
    return "not published" if rate is None else f"{rate} Mbit/s"


def _gib(memory_mib: int) -> str:
    return format(memory_mib / MIB_PER_GIB, "g")
