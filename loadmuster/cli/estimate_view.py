"""How an estimate looks to people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from engine.clouds import CLOUDS
from engine.planning.capacity import GIVEN, STANDARD_INJECTOR
from engine.planning.cliffs import in_words
from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet
from engine.planning.offers import TariffOffer
from engine.planning.regional_fleet import RegionalFleet
from engine.planning.requirement import Requirement, planned_seconds
from kernel.durations import format_duration
from kernel.words import counted
from loadmuster.cli.fitting import FittingTable
from loadmuster.cli.layout import dollars
from loadmuster.cli.load_plot import load_plot
from pricing.catalog import MIB_PER_GIB
from pricing.money import MICROS_PER_USD
from pricing.tariffs import plural

INDENT = "  "
SMALL_USD_MICROS = 100 * MICROS_PER_USD
BINDING = {
    "cpu": "the processor binds",
    "memory": "memory binds",
    "sockets": "sockets to one destination bind",
    "network": "the network binds",
    "threads": "the threads of one process bind",
    "given": "as given",
}
NEXT = {
    "cpu": "the processor",
    "memory": "memory",
    "sockets": "sockets",
    "network": "the network",
    "threads": "threads of one process",
}


def show_estimate(console: Console, estimate: Estimate) -> None:
    """Title, load over time, requirement, machines and their costs, quotes, and what to mind."""
    console.print(_title(estimate))
    if console.encoding.lower().startswith("utf"):
        console.print()
        console.print(load_plot(estimate.scenario.profile, console.width))
    _section(console, "What it takes", *_requirement(estimate))
    _section(console, "What the machines cost", _costs(estimate.clouds))
    _section(console, "What a run is billed", _quotes(estimate.quotes))
    notes = [_bullet(note, console.width) for note in _notes(estimate)]
    if notes:
        _section(console, "Good to know", *notes)


def _section(console: Console, heading: str, *content: Text | Table) -> None:
    console.print()
    console.print(Text(heading, "bold"))
    for each in content:
        if isinstance(each, Text):
            console.print(Text.assemble(INDENT, each))
        else:
            console.print(Padding(each, (0, 0, 0, len(INDENT)), expand=False))


def _title(estimate: Estimate) -> Text:
    scenario, load = estimate.scenario, estimate.load
    facts = (
        f"  {scenario.protocol.value}, up to {counted(load.peak_users, 'user')}"
        f" for {format_duration(planned_seconds(scenario))}"
    )
    if load.arrivals is not None:
        facts += f", {counted(round(load.arrivals), 'arrival')}"
    return Text.assemble((scenario.name, "bold cyan"), facts)


def _requirement(estimate: Estimate) -> Iterator[Text]:
    requirement = estimate.requirement
    gib = STANDARD_INJECTOR.memory_mib // MIB_PER_GIB
    yield Text.assemble(
        (counted(requirement.injectors, "standard injector"), "bold"),
        f" of {STANDARD_INJECTOR.vcpus} vCPU and {gib} GiB, "
        f"{counted(requirement.users_per_injector, 'user')} each: {BINDING[requirement.binding]}",
    )
    startup = requirement.startup_li_minutes
    yield Text.assemble(
        (counted(requirement.li_minutes, "LI-minute"), "bold"),
        f": {startup:,} for the start-up, {requirement.li_minutes - startup:,} beyond",
    )
    if requirement.binding != GIVEN:
        yield Text(_outlook(requirement), "dim")
        following = requirement.bounds[1]
        yield Text(
            f"{NEXT[following.binding]} would bind at {counted(following.users, 'user')}", "dim"
        )
    if len(requirement.regions) > 1 or any(
        each.reference_injectors for each in requirement.regions
    ):
        for part in requirement.regions:
            reference = " and a reference injector" if part.reference_injectors else ""
            yield Text(
                f"{part.region or 'default region'}: {counted(part.users, 'user')} on "
                f"{counted(part.injectors, 'injector')}{reference}",
                "dim",
            )


def _outlook(requirement: Requirement) -> str:
    """How sure the injectors are, and what they rest on."""
    least, most = requirement.at_least, requirement.at_most
    basis = f"by {requirement.basis}"
    if least.injectors == most.injectors:
        return basis
    return (
        f"{least.injectors:,} to {most.injectors:,} injectors, "
        f"{least.li_minutes:,} to {most.li_minutes:,} LI-minutes {basis}"
    )


def _costs(clouds: Sequence[Fleet]) -> Table:
    """One column a cloud: machines by region, cost items, and the total with its range."""
    table = FittingTable(box=box.SIMPLE, show_edge=False, pad_edge=False, show_footer=True)
    is_small = all(fleet.usd_micros < SMALL_USD_MICROS for fleet in clouds)
    decimals = 4 if is_small else 2
    table.add_column("", footer="USD", no_wrap=True)
    for index, fleet in enumerate(clouds):
        is_cheapest = index == 0 and len(clouds) > 1
        table.add_column(
            CLOUDS[fleet.provider].title,
            footer=Text.assemble(
                (dollars(fleet.usd_micros, decimals), "bold green" if is_cheapest else "bold"),
                f"\n{dollars(fleet.low_usd_micros, decimals)} to "
                f"{dollars(fleet.high_usd_micros, decimals)}",
            ),
            justify="right",
        )
    for row in range(len(clouds[0].sites)):
        table.add_row("", *(_machines(fleet.sites[row]) for fleet in clouds))
    if any(_varies(fleet) for fleet in clouds):
        table.add_row("", *(_range(fleet) for fleet in clouds), style="dim")
    table.add_section()
    costs = [{item.name: item.usd_micros for item in fleet.items} for fleet in clouds]
    for name in dict.fromkeys(item.name for fleet in clouds for item in fleet.items):
        table.add_row(
            name, *(dollars(of[name], decimals) if name in of else "not known" for of in costs)
        )
    return table


def _varies(fleet: Fleet) -> bool:
    return fleet.machines_range.low != fleet.machines_range.high


def _range(fleet: Fleet) -> str:
    """How many machines, if users take less or more than expected."""
    counts = fleet.machines_range
    if not _varies(fleet):
        return counted(counts.expected, "machine")
    return f"{counts.low:,} to {counted(counts.high, 'machine')}"


def _machines(site: RegionalFleet) -> Text:
    """One line a machine type, then the region."""
    names = "\n".join(f"{each.count:,} x {each.offering.machine.name}" for each in site.groups)
    return Text.assemble((names, "bold"), (f"\n{site.place.region}", "dim"))


def _quotes(quotes: Sequence[TariffOffer]) -> Table:
    table = FittingTable(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(style="dim", no_wrap=True)
    for offer in quotes:
        table.add_row(
            Text.assemble(offer.name, (_whose(offer), "cyan")),
            f"{offer.quantity:,} {offer.unit if offer.quantity == 1 else plural(offer.unit)}",
            _charge(offer),
            f"as of {offer.as_of}",
        )
    return table


def _whose(offer: TariffOffer) -> str:
    """What a price is, if it is not what anybody pays."""
    if offer.is_of_account:
        return "  your plan"
    return "" if offer.contract_rate is None else "  your contract"


def _charge(offer: TariffOffer) -> Text:
    if offer.usd_micros is not None:
        return Text(f"{dollars(offer.usd_micros, decimals=2)} USD", "bold")
    if offer.runs_per_period is not None:
        runs = counted(offer.runs_per_period, "such run")
        return Text.assemble((runs, "bold"), " a month")
    return Text("not found", "dim")


def _notes(estimate: Estimate) -> Iterator[str]:
    """What was assumed, then what to mind; what the tables show already is left out."""
    for each in estimate.unknown:
        area, _, field = each.field.partition(".")
        if area == "scenario":
            yield f"{field}: {each.reason}"
        elif area == "clouds" or field.endswith(".quantity"):
            yield each.reason
    yield from estimate.warnings
    yield from [in_words(each) for each in estimate.cliffs if not each.is_cheaper][:1]


def _bullet(note: str, width_columns: int) -> Text:
    """A note with a hanging indent; the section indents its first line."""
    lines = textwrap.fill(
        f"{INDENT}- {note}",
        width_columns,
        subsequent_indent=f"{INDENT}  ",
        break_on_hyphens=False,
    )
    return Text(lines.removeprefix(INDENT))
