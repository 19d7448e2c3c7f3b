"""How machine types, their prices and what surrounds them look, to people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from engine.catalogs.shown import LABELS, Shown, warnings_of
from engine.clouds import CLOUDS
from kernel.words import counted
from pricing.catalog import (
    MIB_PER_GIB,
    CoreSpeed,
    Offering,
    Price,
    SpotPrice,
)
from pricing.money import format_usd

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable


def show_offering(console: Console, shown: Shown, today: date) -> None:
    """It as a table, and what to mind."""
    from loadmuster.cli.fitting import FittingTable

    table = FittingTable(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rule = CLOUDS[shown.offering.machine.provider].prices.billing
    for label, text in _in_words(shown.offering):
        table.add_row(label, text)
    if shown.core_speed is not None:
        table.add_row("processor", _speed_in_words(shown.core_speed))
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
    for warning in warnings_of(shown, today):
        console.print(f"Note: {warning}")


def _speed_in_words(speed: CoreSpeed) -> str:
    vcpu = "a core" if speed.threads_per_core == 1 else f"1 of {speed.threads_per_core} threads"
    return (
        f"a vCPU is {vcpu}; PassMark {speed.single_thread:,} for a thread alone, "
        f"{speed.busy_vcpu:,} for a vCPU while all are busy, on {speed.measured_type} "
        f"of {speed.as_of}"
    )


def _spot_in_words(prices: Sequence[SpotPrice]) -> str:
    low = min(price.hourly_usd_micros for price in prices)
    high = max(price.hourly_usd_micros for price in prices)
    usd = format_usd(low) if low == high else f"{format_usd(low)} to {format_usd(high)}"
    zones = f" in {counted(len(prices), 'zone')}" if prices[0].zone else ""
    return f"{usd} USD per hour{zones}, as of {prices[0].as_of}"


def regions_table(regions: list[dict[str, Any]]) -> RichTable:
    """Regions, for people."""
    from loadmuster.cli.fitting import FittingTable

    table = FittingTable("provider", "region", "machine types", "prices as of")
    for each in regions:
        oldest, newest = each["oldest_as_of"], each["newest_as_of"]
        as_of = newest if oldest == newest else f"{oldest} to {newest}"
        table.add_row(each["provider"], each["region"], str(each["machine_types"]), as_of)
    return table


def offerings_table(offerings: Sequence[Offering]) -> RichTable:
    """Offerings, for people."""
    from loadmuster.cli.fitting import FittingTable

    table = FittingTable("region", "machine type", "vCPU", "GiB", "Mbit/s", "USD per hour", "as of")
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
