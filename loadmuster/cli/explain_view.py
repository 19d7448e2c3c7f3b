"""How people see why a fleet was chosen."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from engine.clouds import CLOUDS
from engine.planning.core_speeds import FasterMachine
from engine.planning.fleet import Fleet
from engine.planning.next_best import Explanation
from engine.planning.vcpu_speeds import CountedSpeeds
from loadmuster.cli.layout import columns, dollars, section
from pricing.money import format_usd


def show_explanation(console: Console, explanation: Explanation) -> None:
    """The next best machines, what they cost more and why; then how good the choice is."""
    table = columns("", "machines", "USD more", "why", right=["USD more"])
    for each in explanation.alternatives:
        table.add_row(
            each.kind,
            machines_of(each.fleet),
            dollars(each.more_usd_micros, decimals=4),
            each.reason,
        )
    fleet = explanation.fleet
    section(
        console,
        f"Next best on {CLOUDS[fleet.provider].title}",
        table,
        Text(_proof(explanation), "dim"),
    )


def machines_of(fleet: Fleet) -> Text:
    """One line a machine type, and after each site its region."""
    return Text("\n").join(
        Text.assemble(
            *(f"{each.count:,} x {each.offering.machine.name}\n" for each in site.groups),
            (site.place.region, "dim"),
        )
        for site in fleet.sites
    )


def _proof(explanation: Explanation) -> str:
    """How good the choice is, and by which speeds of processors."""
    speeds = _speeds(explanation.speeds)
    return f"{_bounds(explanation)} {speeds}{_faster(explanation.faster)}"


def _speeds(speeds: CountedSpeeds | None) -> str:
    if speeds is None:
        return "Every vCPU counts alike in this."
    counted = ", ".join(
        f"{each.family} {each.percent} %{'' if each.is_measured else ' (as the slowest known)'}"
        for each in speeds.families
    )
    return (
        f"In this a vCPU counts by PassMark of {speeds.as_of}, all busy, "
        f"{speeds.reference} 100 %: {counted}."
    )


def _faster(found: FasterMachine | None) -> str:
    if found is None:
        return ""
    chosen, other = found.chosen.machine.name, found.offering.machine.name
    return (
        f" By PassMark, all vCPUs busy, one of {other} does {found.work_ratio:.2f} times the work"
        f" of one of {chosen} at {found.price_ratio:.2f} times the price: for a load that only the"
        " processor binds it may be the cheaper one; `loadmuster calibrate` on it tells."
    )


def _bounds(explanation: Explanation) -> str:
    linear = format_usd(explanation.linear_usd_micros, at_least_decimals=4)
    if explanation.is_optimal:
        return (
            f"No machines there are cheaper, which is proven. Parts of machines, if they could be "
            f"rented, would cost {linear} USD; this is {explanation.gap_percent:.1f} % above."
        )
    least = format_usd(explanation.least_usd_micros, at_least_decimals=4)
    return f"No machines there cost less than {least} USD; whether any cost less is not proven."
