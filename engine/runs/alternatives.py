"""Where a run's machines come from, and where they may come from instead.

In the region that was asked for, other types that carry as much stand in for the cheapest, in
price order; they go into the same create call. Where nobody chose the region, the same load may
also go to another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.planning.estimate import Estimate
from engine.planning.needs import Needs, needs_of
from engine.planning.places import elsewhere
from engine.planning.sites import FleetGroup, cheapest_site, stand_ins
from engine.runs.states import Placement
from kernel.errors import BadInputError
from pricing.catalog import Catalog

LOCAL = "local"
TYPES_MAX = 4
"""Machine types in one create call."""

ELSEWHERE_MAX = 2
"""Other regions that are tried."""

IsShort = Callable[[str, str], bool]
"""Whether a region had none left of a machine type a moment ago."""


def never_short(_region: str, _machine_type: str) -> bool:
    """As if no cloud had ever refused anything."""
    return False


def placements_of(
    estimate: Estimate, provider: str, catalog: Catalog, is_short: IsShort = never_short
) -> tuple[Placement, ...]:
    """The machines to launch: on this machine one process an injector, in a cloud its fleet.

    A placement for each machine type of each region: each has its share of the users.

    Raises:
        BadInputError: The estimate has no fleet on that provider.
    """
    if provider == LOCAL:
        injectors = estimate.requirement.injectors
        return (Placement(LOCAL, ("process",), injectors, (0,), estimate.load.peak_users),)
    for fleet in estimate.clouds:
        if fleet.provider == provider:
            needs = needs_of(estimate.scenario, estimate.requirement)
            return tuple(_placement(group, needs, catalog, is_short) for group in fleet.groups)
    raise BadInputError(
        f"the estimate has no fleet on {provider!r}; it has "
        + ", ".join(fleet.provider for fleet in estimate.clouds),
        provider=provider,
    )


def _placement(group: FleetGroup, needs: Needs, catalog: Catalog, is_short: IsShort) -> Placement:
    """The group's own place and all others, those that were short a moment ago last."""
    uniform = needs.of_one_type()
    most = None if needs.wishes.machines_max is None else group.count
    sites = [
        site
        for place in elsewhere(group.part.region, group.place, catalog)
        if (site := cheapest_site(group.part, place, uniform, catalog, machines_max=most))
    ]
    sites.sort(key=lambda site: site.monthly_usd_micros)
    others = [site.groups[0] for site in sites]
    groups = [group, *others[:ELSEWHERE_MAX]]
    options = [_at(each, needs, catalog, is_short) for each in groups]
    options.sort(key=lambda option: is_short(option.region, option.machine_types[0]))
    first, *further = options
    return replace(first, elsewhere=tuple(further))


def _at(group: FleetGroup, needs: Needs, catalog: Catalog, is_short: IsShort) -> Placement:
    """The group's machines, in the types that will do; those that were short come last."""
    others = stand_ins(group, needs, catalog, TYPES_MAX - 1)
    offerings = sorted(
        (group.offering, *others),
        key=lambda offering: is_short(offering.region, offering.machine.name),
    )
    return Placement(
        region=group.place.region,
        machine_types=tuple(offering.machine.name for offering in offerings),
        count=group.count,
        hourly_usd_micros=tuple(offering.hourly_usd_micros for offering in offerings),
        users=group.users,
    )
