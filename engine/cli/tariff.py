"""``loadmuster tariff``: what load-testing services would bill, and by which rule."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from engine.cli.settings import Command, Group, Settings, pass_settings
from engine.scenario import Protocol
from kernel.clock import parse_instant
from kernel.durations import format_duration, parse_duration_s
from pricing.money import format_cents, format_usd
from pricing.tariffs import (
    Tariff,
    TariffPrice,
    Usage,
    load_tariff,
    price,
    tariff_names,
    tariff_versions,
)

if TYPE_CHECKING:
    from rich.console import Console


@click.group(cls=Group)
def tariff() -> None:
    """What load-testing services would bill for a test."""


@tariff.command("list", cls=Command)
@pass_settings
def list_tariffs(settings: Settings) -> None:
    """All tariffs, in the version in force."""
    today = settings.clock().now().date()
    tariffs = [load_tariff(name, today) for name in tariff_names()]

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table(caption="-: not published", caption_justify="left")
        table.add_column("tariff", no_wrap=True)
        table.add_column("service")
        table.add_column("unit", no_wrap=True)
        table.add_column("USD per unit", justify="right")
        table.add_column("rule of", no_wrap=True)
        for each in tariffs:
            table.add_row(each.name, each.title, each.unit, _rate(each) or "-", str(each.version))
        console.print(table)

    settings.emit({"tariffs": [_summary(each) for each in tariffs]}, show)


@tariff.command("show", cls=Command)
@click.argument("name")
@pass_settings
def show_tariff(settings: Settings, name: str) -> None:
    """One tariff: its rule in every version, and where it is published."""
    versions = tariff_versions(name)

    def show(console: Console) -> None:
        from rich.table import Table

        for version in reversed(versions):
            table = Table(show_header=False, box=None, title_justify="left")
            table.title = f"{version.title}, rule of {version.version}"
            table.add_column(no_wrap=True)
            table.add_column(overflow="fold")
            for label, text in _rule_in_words(version):
                table.add_row(label, text)
            console.print(table)
            console.print()

    document = {
        "tariff": name,
        "title": versions[0].title,
        "versions": [_rule(version) for version in versions],
    }
    settings.emit(document, show)


@tariff.command("price", cls=Command)
@click.argument("name")
@click.option("--injectors", type=int, help="Servers that put the load on.")
@click.option("--users", type=int, help="Virtual users at most at once.")
@click.option("--duration", required=True, help="Length of the test: 90s, 10m, 1h30m.")
@click.option(
    "--protocol",
    type=click.Choice([each.value for each in Protocol]),
    default=Protocol.HTTP.value,
    show_default=True,
    help="What the users speak.",
)
@click.option("--at", metavar="DATE", help="The day whose rule counts; default: today.")
@pass_settings
def price_tariff(
    settings: Settings,
    name: str,
    injectors: int | None,
    users: int | None,
    duration: str,
    protocol: str,
    at: str | None,
) -> None:
    """What a service bills for a test of a size, with the arithmetic."""
    duration_s = parse_duration_s(duration, "--duration")
    day = _day(settings, at)
    in_force = load_tariff(name, day)
    charge = price(in_force, Usage(injectors, users, duration_s, protocol))
    warnings = []
    if day < in_force.version:
        warnings.append(
            f"the oldest version known is of {in_force.version}; it is taken for {day} too"
        )

    def show(console: Console) -> None:
        for step in charge.steps:
            console.print(step)
        for warning in warnings:
            console.print(f"Note: {warning}")
        console.print(f"{in_force.title}, rule of {charge.version}, as of {charge.as_of}")

    settings.emit(_price_document(charge, warnings), show)


def _day(settings: Settings, at: str | None) -> date:
    instant = settings.clock().now() if at is None else parse_instant(at, where="--at")
    return instant.date()


def _price_document(charge: TariffPrice, warnings: list[str]) -> dict[str, Any]:
    unknown = [] if charge.unknown is None else [{"field": "usd", "reason": charge.unknown}]
    return {
        "tariff": charge.tariff,
        "version": charge.version.isoformat(),
        "unit": charge.unit,
        "quantity": _number(charge.quantity),
        "startup_quantity": _number(charge.startup_quantity),
        "injectors": charge.injectors,
        "usd": None if charge.usd_micros is None else format_cents(charge.usd_micros),
        "startup_usd": (
            None if charge.startup_usd_micros is None else format_cents(charge.startup_usd_micros)
        ),
        "as_of": charge.as_of.isoformat(),
        "steps": list(charge.steps),
        "unknown": unknown,
        "warnings": warnings,
    }


def _number(quantity: object) -> int | float:
    """A quantity for JSON: units are numbers there, money never is."""
    return quantity if isinstance(quantity, int) else float(str(quantity))


def _rate(version: Tariff) -> str | None:
    return None if version.usd_micros_per_unit is None else format_usd(version.usd_micros_per_unit)


def _summary(version: Tariff) -> dict[str, Any]:
    return {
        "tariff": version.name,
        "title": version.title,
        "version": version.version.isoformat(),
        "unit": version.unit,
        "usd_per_unit": _rate(version),
        "as_of": version.as_of.isoformat(),
    }


def _rule(version: Tariff) -> dict[str, Any]:
    return {
        "version": version.version.isoformat(),
        "as_of": version.as_of.isoformat(),
        "unit": version.unit,
        "counts": version.counts.value,
        "unit_s": version.unit_s,
        "quantum_s": version.quantum_s,
        "floors": [
            {"up_to_injectors": floor.up_to_injectors, "minimum_s": floor.minimum_s}
            for floor in version.floors
        ],
        "floor_users_per_injector": version.floor_users_per_injector,
        "extra_injectors": version.extra_injectors,
        "users_per_injector": dict(version.users_per_injector),
        "multipliers": dict(version.multipliers),
        "cancellation": version.cancellation.value,
        "usd_per_unit": _rate(version),
        "usd_per_user": format_usd(version.usd_micros_per_user),
        "sources": list(version.sources),
        "notes": list(version.notes),
        "unknown": (
            []
            if version.not_published is None
            else [{"field": "usd_per_unit", "reason": version.not_published}]
        ),
    }


def _rule_in_words(version: Tariff) -> list[tuple[str, str]]:
    floors = [
        format_duration(floor.minimum_s)
        if floor.up_to_injectors is None
        else f"{format_duration(floor.minimum_s)} up to {floor.up_to_injectors} injectors"
        for floor in version.floors
    ]
    users = [f"{protocol} {number}" for protocol, number in version.users_per_injector.items()]
    words = [
        ("unit", f"{version.unit}: {version.counts.value.replace('_', ' ')} x time"),
        ("time", f"each started {format_duration(version.quantum_s)} counts"),
        ("at least", ", ".join(floors)),
        ("users per injector", ", ".join(users)),
        ("multipliers", ", ".join(f"{p} x {n}" for p, n in version.multipliers.items())),
        ("USD per unit", _rate(version) or version.not_published or ""),
        ("cancelled", version.cancellation.value.replace("_", " ")),
        ("as of", str(version.as_of)),
        *[("note", note) for note in version.notes],
        *[("source", source) for source in version.sources],
    ]
    return [(label, text) for label, text in words if text]
