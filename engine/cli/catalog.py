"""``loadmuster catalog``: machine types, where they can be had, and at what price."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from engine.catalogs.in_use import catalog_in_use
from engine.cli.settings import Command, Group, Settings, pass_settings
from pricing.catalog import BILLING_RULES, Catalog, Offering, Price, is_stale
from pricing.money import format_usd

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

MIB_PER_GIB = 1024
LABELS = {"public_ipv4": "public IPv4", "boot_disk": "boot disk", "egress": "egress"}


@click.group(cls=Group)
def catalog() -> None:
    """Machine types and their prices on AWS and Azure."""


@catalog.command("list", cls=Command)
@click.option("--provider", help="aws or azure; default: both.")
@click.option("--region", help="One region; default: all.")
@click.option("--family", help="One family of machine types: c7i, Dsv5, ...")
@pass_settings
def list_offerings(
    settings: Settings, provider: str | None, region: str | None, family: str | None
) -> None:
    """Regions; with --region or --family, the machine types there and their prices."""
    in_use = catalog_in_use()
    places = in_use.places(provider, region)
    if family is not None:
        in_use.check_family(family, sorted({place[0] for place in places}))
        places = tuple(place for place in places if family in in_use.families(place[0]))
    offerings = [
        offering
        for place in places
        for offering in (in_use.offerings(*place) if region or family else ())
        if family is None or offering.machine.family == family
    ]
    regions = [_region(in_use, *place) for place in places]

    def show(console: Console) -> None:
        if region or family:
            console.print(_offerings_table(offerings))
        else:
            console.print(_regions_table(regions))

    settings.emit({"regions": regions, "offerings": [_offering(each) for each in offerings]}, show)


@catalog.command("show", cls=Command)
@click.argument("provider")
@click.argument("region")
@click.argument("machine_type", metavar="TYPE")
@pass_settings
def show_offering(settings: Settings, provider: str, region: str, machine_type: str) -> None:
    """One machine type in one region, with what surrounds it and where the figures come from."""
    in_use = catalog_in_use()
    offering = in_use.offering(provider, region, machine_type)
    surroundings = {
        "public_ipv4": in_use.public_ipv4(provider, region),
        "boot_disk": in_use.boot_disk(provider, region),
        "egress": in_use.egress(provider, region),
    }
    rule = BILLING_RULES[provider]
    sources = in_use.sources()
    used = dict.fromkeys([offering.source, *(price.source for price in surroundings.values())])
    warnings = _warnings(offering, surroundings, settings.clock().now().date())
    document = {
        **_offering(offering),
        "billing": {"minimum_s": rule.minimum_s, "step_s": rule.step_s},
        "surroundings": {name: _price(price) for name, price in surroundings.items()},
        "sources": {
            key: {"title": sources[key].title, "address": sources[key].address} for key in used
        },
        "warnings": warnings,
    }

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table(show_header=False, box=None)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in _in_words(offering):
            table.add_row(label, text)
        table.add_row("billed", f"by {rule.step_s} s, at least {rule.minimum_s} s")
        for name, price in surroundings.items():
            table.add_row(LABELS[name], _price_in_words(price))
        for key in used:
            table.add_row("source", f"{sources[key].title}, {sources[key].version}")
        console.print(table)
        for warning in warnings:
            console.print(f"Note: {warning}")

    settings.emit(document, show)


def _offering(offering: Offering) -> dict[str, Any]:
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


def _region(in_use: Catalog, provider: str, region: str) -> dict[str, Any]:
    offerings = in_use.offerings(provider, region)
    return {
        "provider": provider,
        "region": region,
        "machine_types": len(offerings),
        "oldest_as_of": min(offering.as_of for offering in offerings).isoformat(),
        "newest_as_of": max(offering.as_of for offering in offerings).isoformat(),
    }


def _warnings(offering: Offering, surroundings: dict[str, Price], today: date) -> list[str]:
    """What is old or estimated about the figures."""
    warnings = []
    if is_stale(offering.as_of, today):
        warnings.append(f"the price of the machine is of {offering.as_of}, older than a year")
    for name, price in surroundings.items():
        label = LABELS[name]
        if price.estimated:
            warnings.append(f"the price of {label} is estimated for {offering.region}")
        if is_stale(price.as_of, today):
            warnings.append(f"the price of {label} is of {price.as_of}, older than a year")
    return warnings


def _regions_table(regions: list[dict[str, Any]]) -> RichTable:
    from rich.table import Table

    table = Table("provider", "region", "machine types", "prices as of")
    for each in regions:
        oldest, newest = each["oldest_as_of"], each["newest_as_of"]
        as_of = newest if oldest == newest else f"{oldest} to {newest}"
        table.add_row(each["provider"], each["region"], str(each["machine_types"]), as_of)
    return table


def _offerings_table(offerings: list[Offering]) -> RichTable:
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
