"""``loadmuster tariff``: what load-testing services would bill, and by which rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from engine.scenario import Protocol
from kernel.clock import parse_instant
from kernel.durations import parse_duration_s
from loadmuster.cli.numbers import FiniteNumber, WholeNumber
from loadmuster.cli.settings import Command, CommandGroup, Settings, pass_settings
from loadmuster.cli.tariff_rates import set_rate, unset_rate
from loadmuster.cli.tariff_view import contract_line, rule_in_words
from loadmuster.documents.tariff import price_document, rate, tariff_document, tariffs_document
from pricing.money import BYTES_PER_GB, format_usd, usd_micros
from pricing.tariffs import (
    LoadSize,
    load_tariff,
    price,
    rated_tariff,
    tariff_names,
    tariff_versions,
)

if TYPE_CHECKING:
    from rich.console import Console


@click.group(cls=CommandGroup)
def tariff() -> None:
    """What load-testing services would bill for a test."""


for command in (set_rate, unset_rate):
    tariff.add_command(command)


@tariff.command("list", cls=Command)
@pass_settings
def list_tariffs(settings: Settings) -> None:
    """All tariffs, in the version in force."""
    today = settings.clock().now().date()
    tariffs = [load_tariff(name, today) for name in tariff_names()]
    rates = settings.rates()

    def show(console: Console) -> None:
        from loadmuster.cli.layout import columns

        table = columns(
            *("tariff", "service", "unit", "USD a unit"),
            *(("by contract",) if rates else ()),
            "rule of",
            right=("USD a unit", "by contract"),
            fixed=("tariff", "unit", "rule of"),
        )
        for each in tariffs:
            price_of_unit = rate(each) or ("the machine's" if each.machines_of else "-")
            own = rates.get(each.name)
            by_contract = "" if own is None else format_usd(own.usd_micros_per_unit)
            table.add_row(
                *(each.name, each.title, each.unit, price_of_unit),
                *((by_contract,) if rates else ()),
                str(each.version),
            )
        console.print(table)
        console.print("-: no price was found")
        for own in rates.values():
            console.print(contract_line(own))

    settings.emit(tariffs_document(tariffs, rates), show)


@tariff.command("show", cls=Command)
@click.argument("name")
@pass_settings
def show_tariff(settings: Settings, name: str) -> None:
    """One tariff: its rule in every version, and where it is published."""
    versions = tariff_versions(name)
    own = settings.rates().get(name)

    def show(console: Console) -> None:
        from loadmuster.cli.fitting import FittingTable

        if own is not None:
            console.print(contract_line(own))

        for version in reversed(versions):
            table = FittingTable(show_header=False, box=None, title_justify="left")
            table.title = f"{version.title}, rule of {version.version}"
            table.add_column(no_wrap=True)
            table.add_column(overflow="fold")
            for label, text in rule_in_words(version):
                table.add_row(label, text)
            console.print(table)
            console.print()

    settings.emit(tariff_document(versions, own), show)


@tariff.command("price", cls=Command)
@click.argument("name")
@click.option("--injectors", type=WholeNumber(), help="Servers that put the load on.")
@click.option("--users", type=WholeNumber(), help="Virtual users at most at once.")
@click.option("--duration", required=True, help="Length of the test: 90s, 10m, 1h30m.")
@click.option(
    "--protocol",
    type=click.Choice([each.value for each in Protocol]),
    default=Protocol.HTTP.value,
    show_default=True,
    help="What the users speak.",
)
@click.option(
    "--machine-usd",
    metavar="USD",
    help="What an hour of one injector's machine costs; for services that pass it on.",
)
@click.option("--sent-gb", metavar="GB", type=FiniteNumber(0, 1e9), help="What is sent; likewise.")
@click.option("--at", metavar="DATE", help="The day whose rule counts; default: today.")
@pass_settings
def price_tariff(  # noqa: PLR0913 - one argument for each option
    settings: Settings,
    *,
    name: str,
    injectors: int | None,
    users: int | None,
    duration: str,
    protocol: str,
    machine_usd: str | None,
    sent_gb: float | None,
    at: str | None,
) -> None:
    """What a service bills for a test of a size, with the arithmetic."""
    day = _day(settings, at)
    in_force = rated_tariff(name, day, settings.rates())
    machine_usd_micros = None
    if machine_usd is not None:
        machine_usd_micros = usd_micros(machine_usd, where="--machine-usd")
    usage = LoadSize(
        injectors=injectors,
        users=users,
        duration_s=parse_duration_s(duration, "--duration"),
        protocol=protocol,
        machines_usd_micros=(
            None if machine_usd_micros is None else machine_usd_micros * (injectors or 1)
        ),
        sent_bytes=None if sent_gb is None else int(Decimal(str(sent_gb)) * BYTES_PER_GB),
    )
    charge = price(in_force, usage)
    warnings = []
    if day < in_force.version:
        warnings.append(
            f"the oldest version known is of {in_force.version}; it is taken for {day} too"
        )
    if in_force.superseded_by is not None:
        warnings.append(f"an older rule; {in_force.superseded_by} is in force")

    def show(console: Console) -> None:
        for step in charge.steps:
            console.print(step)
        for warning in warnings:
            console.print(f"Note: {warning}")
        console.print(f"{in_force.title}, rule of {charge.version}, as of {charge.as_of}")

    settings.emit(price_document(charge, warnings, in_force.contract_rate), show)


def _day(settings: Settings, at: str | None) -> date:
    instant = settings.clock().now() if at is None else parse_instant(at, where="--at")
    return instant.date()
