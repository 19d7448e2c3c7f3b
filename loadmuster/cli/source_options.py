"""The argument SOURCE, and the options that override what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from engine.clouds import CLOUDS

if TYPE_CHECKING:
    from engine.scenario import Scenario

Function = Callable[..., Any]

_OPTIONS: tuple[Callable[[Function], Function], ...] = (
    click.argument("source"),
    click.option(
        "--format", metavar="NAME", help="Format of SOURCE; default: told by the content."
    ),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME}."),
    click.option("--users", type=click.IntRange(min=1), help="Scale the load to this peak."),
    click.option("--duration", metavar="10m", help="Stretch the load to this length."),
    click.option("--injectors", type=click.IntRange(min=1), help="A fixed number of injectors."),
    click.option(
        "--users-per-injector", type=click.IntRange(min=1), help="A payload you measured."
    ),
    click.option(
        "--iteration-seconds",
        "iteration_s",
        type=click.FloatRange(min=0, min_open=True),
        help="How long one user stays, where the load is arrivals.",
    ),
    click.option(
        "--provider",
        type=click.Choice([*CLOUDS, "any"]),
        default="any",
        show_default=True,
        help="Whose machines.",
    ),
    click.option(
        "--region", "regions", multiple=True, metavar="NAME", help="Where the load is from."
    ),
    click.option("--family", "families", multiple=True, metavar="NAME", help="Only such machines."),
    click.option("--type", "types", multiple=True, metavar="NAME", help="Only machines of it."),
    click.option(
        "--architecture", type=click.Choice(["x86_64", "arm64"]), help="Only machines of it."
    ),
    click.option(
        "--machines-at-most", "machines_max", type=click.IntRange(min=1), help="Over all regions."
    ),
    click.option(
        "--vcpus-at-most",
        "vcpus_max",
        type=click.IntRange(min=1),
        help="In each region, as your quota has it.",
    ),
    click.option("--nat", is_flag=True, help="Machines behind a NAT gateway, at its costs."),
    click.option("--one-type", is_flag=True, help="Machines of one type only in each region."),
    click.option(
        "--published",
        is_flag=True,
        help="Count with published figures, not with what was measured.",
    ),
)


def source_options(command: Function) -> Function:
    """Give a command SOURCE and the options that override it."""
    for decorate in reversed(_OPTIONS):
        command = decorate(command)
    return command


def read_given(source: str, overrides: dict[str, Any]) -> Scenario:
    """SOURCE as the options change it, with what was measured of its users.

    ``overrides`` are all options but ``provider``, as click gave them.

    Raises:
        BadInputError: A leaf of it, with file and field or the option.
    """
    from engine.calibrating.measured import as_measured
    from engine.readers import read_scenario
    from engine.scenario import MachineWishes
    from kernel.durations import parse_duration_s

    duration = overrides.pop("duration")
    duration_s = None if duration is None else parse_duration_s(duration, where="--duration")
    wishes = MachineWishes(
        families=overrides.pop("families"),
        architecture=overrides.pop("architecture"),
        machines_max=overrides.pop("machines_max"),
        vcpus_max=overrides.pop("vcpus_max"),
        mixed=not overrides.pop("one_type"),
        nat=overrides.pop("nat"),
        types=overrides.pop("types"),
    )
    counts_measured = not overrides.pop("published")
    scenario = read_scenario(source, duration_s=duration_s, machines=wishes, **overrides)
    return as_measured(scenario) if counts_measured else scenario
