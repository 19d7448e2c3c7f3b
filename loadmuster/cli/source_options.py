"""The argument SOURCE, and the options that override what it says: fields of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from engine.clouds import CLOUDS
from loadmuster.cli.numbers import FiniteNumber, WholeNumber

if TYPE_CHECKING:
    from engine.scenario import Scenario

Function = Callable[..., Any]


def _duration_s(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    from kernel.durations import parse_duration_s

    return None if value is None else parse_duration_s(value, where="--duration")


SCENARIO_OPTIONS: tuple[Callable[[Function], Function], ...] = (
    click.argument("source"),
    click.option(
        "--format", metavar="NAME", help="Format of SOURCE; default: told by the content."
    ),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME}."),
    click.option("--users", type=WholeNumber(min=1), help="Scale the load to this peak."),
    click.option(
        "--duration",
        "duration_s",
        metavar="10m",
        callback=_duration_s,
        help="Stretch the load to this length.",
    ),
    click.option("--injectors", type=WholeNumber(min=1), help="A fixed number of injectors."),
    click.option("--users-per-injector", type=WholeNumber(min=1), help="A payload you measured."),
    click.option(
        "--iteration-seconds",
        "iteration_s",
        type=FiniteNumber(min=0, min_open=True),
        help="How long one user stays, where the load is arrivals.",
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
        "--machines-at-most", "machines_max", type=WholeNumber(min=1), help="Over all regions."
    ),
    click.option(
        "--vcpus-at-most",
        "vcpus_max",
        type=WholeNumber(min=1),
        help="In each region, as your quota has it.",
    ),
    click.option(
        "--vcpus-each-at-most", "vcpus_each_max", type=WholeNumber(min=1), help="In one machine."
    ),
    click.option(
        "--spread",
        type=WholeNumber(min=1),
        help="At least so many machines in each region, each with its share of the load at most;"
        " 1: whatever the scenario says.",
    ),
    click.option(
        "--cores-alike",
        is_flag=True,
        help="Every vCPU counts as much as any other, whatever was measured of its speed.",
    ),
    click.option("--nat", is_flag=True, help="Machines behind a NAT gateway, at its costs."),
    click.option("--one-type", is_flag=True, help="Machines of one type only in each region."),
    click.option(
        "--published",
        is_flag=True,
        help="Count with published figures, not with what was measured.",
    ),
)
"""The fields of a ``ScenarioRequest``, under their names."""

_PROVIDER = click.option(
    "--provider",
    type=click.Choice([*CLOUDS, "any"]),
    default="any",
    show_default=True,
    help="Whose machines.",
)


def scenario_options(command: Function) -> Function:
    """Give a command SOURCE and the options that override it."""
    for decorate in reversed(SCENARIO_OPTIONS):
        command = decorate(command)
    return command


def source_options(command: Function) -> Function:
    """The same, and whose machines are counted on."""
    return scenario_options(_PROVIDER(command))


def read_given(source: str, overrides: dict[str, Any]) -> Scenario:
    """SOURCE as the options change it, with what was measured of its users.

    ``overrides`` are all options but ``provider``, as click gave them.

    Raises:
        BadInputError: A leaf of it, with file and field or the option.
    """
    from engine.calibrating.measured import counted_scenario
    from engine.readers.scenario_request import ScenarioRequest, requested_scenario

    request = ScenarioRequest(source=source, **overrides)
    return counted_scenario(request, requested_scenario(request))
