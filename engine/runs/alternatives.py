"""Where a run's machines come from, and where they may come from instead.

In the region that was asked for, other types that carry as much stand in for the cheapest, in
price order; they go into the same create call. Where nobody chose the region, the same load may
also go to another one. It goes to another cloud only where the user said so, and only after all
places of the first have refused: another cloud is another account and another bill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.planning.capacity import GIVEN, Demand, demand_of
from engine.planning.estimate import Estimate
from engine.planning.machines import FleetGroup, cheapest_group, stand_ins
from engine.planning.places import ELSEWHERE, Place
from engine.planning.requirement import RegionRequirement
from engine.runs.states import Placement
from kernel.errors import BadInputError
from pricing.catalog import Catalog

LOCAL = "local"
TYPES_MAX = 4
"""Machine types in one create call."""

IsShort = Callable[[str, str, str], bool]
"""Whether a cloud's region had none left of a machine type a moment ago."""


def never_short(_provider: str, _region: str, _machine_type: str) -> bool:
    """As if no cloud had ever refused anything."""
    return False


def placements_of(
    estimate: Estimate,
    provider: str,
    catalog: Catalog,
    is_short: IsShort = never_short,
    *,
    or_on: Sequence[str] = (),
) -> tuple[Placement, ...]:
    """The machines to launch: on this machine one process an injector, in a cloud its fleet.

    Args:
        estimate: What the load takes; it has the fleets of all these clouds.
        provider: Where the machines are wanted.
        catalog: Machine types and prices.
        is_short: Which places refused a moment ago; they come last of their cloud's.
        or_on: Clouds that each placement may go to instead, in this order.

    Raises:
        BadInputError: The estimate has no fleet on one of them.
    """
    if provider == LOCAL:
        injectors = estimate.requirement.injectors
        return (Placement(LOCAL, LOCAL, ("process",), injectors, (0,), estimate.load.peak_users),)
    by_cloud = [_options_on(name, estimate, catalog, is_short) for name in (provider, *or_on)]
    return tuple(_joined(options) for options in zip(*by_cloud, strict=True))


def first_on(provider: str, placements: Sequence[Placement]) -> tuple[Placement, ...]:
    """Of each placement the place that is tried first on that cloud."""
    return tuple(
        next(option for option in placement.options if option.provider == provider)
        for placement in placements
    )


def _options_on(
    provider: str, estimate: Estimate, catalog: Catalog, is_short: IsShort
) -> list[list[Placement]]:
    """For each of the requirement's regions: where one cloud may have its machines."""
    for fleet in estimate.clouds:
        if fleet.provider == provider:
            demand = demand_of(estimate.scenario)
            regions = estimate.requirement.regions
            return [
                _options(group, region, demand, _payload(estimate), catalog, is_short)
                for group, region in zip(fleet.groups, regions, strict=True)
            ]
    raise BadInputError(
        f"the estimate has no fleet on {provider!r}; it has "
        + ", ".join(fleet.provider for fleet in estimate.clouds),
        provider=provider,
    )


def _payload(estimate: Estimate) -> int | None:
    requirement = estimate.requirement
    return requirement.users_per_injector if requirement.binding == GIVEN else None


def _joined(options_by_cloud: Sequence[list[Placement]]) -> Placement:
    first, *elsewhere = [option for options in options_by_cloud for option in options]
    return replace(first, elsewhere=tuple(elsewhere))


def _options(
    group: FleetGroup,
    region: RegionRequirement,
    demand: Demand,
    payload: int | None,
    catalog: Catalog,
    is_short: IsShort,
) -> list[Placement]:
    """The group's own place and all others, those that were short a moment ago last."""
    groups, provider = [group], group.offering.machine.provider
    if region.region is None:
        for name in ELSEWHERE.get(group.place.region, ()):
            other = cheapest_group(region, Place(name), demand, payload, catalog, provider)
            groups += [other] if other is not None else []
    options = [_at(each, demand, payload, catalog, is_short) for each in groups]
    options.sort(key=lambda each: is_short(provider, each.region, each.machine_types[0]))
    return options


def _at(
    group: FleetGroup, demand: Demand, payload: int | None, catalog: Catalog, is_short: IsShort
) -> Placement:
    """The group's machines, in the types that will do; those that were short come last."""
    others = stand_ins(group, demand, payload, catalog, TYPES_MAX - 1)
    offerings = sorted(
        (group.offering, *others),
        key=lambda each: is_short(each.machine.provider, each.region, each.machine.name),
    )
    return Placement(
        provider=group.offering.machine.provider,
        region=group.place.region,
        machine_types=tuple(offering.machine.name for offering in offerings),
        count=group.count,
        hourly_usd_micros=tuple(offering.hourly_usd_micros for offering in offerings),
        users=group.users,
    )
