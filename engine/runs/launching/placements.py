"""Where a run's machines come from, and where they may come from instead.

In the region that was asked for, other types that carry as much stand in for the cheapest, in
price order; they go into the same create call. Where nobody chose the region, the same load may
also go to another one. It goes to another cloud only where the user said so, and only after all
places of the first have refused: another cloud is another account and another bill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from engine.clouds import LOCAL
from engine.planning.estimate import Estimate, Fleet
from engine.planning.machines import around_monthly_usd_micros
from engine.planning.needs import Needs, needs_of
from engine.planning.places import CandidateRegion, elsewhere
from engine.planning.regional_fleet import FleetGroup, RegionalFleet, cheapest_site, stand_ins
from engine.runs.model.states import Placement
from kernel.errors import BadInputError
from pricing.catalog import Catalog

TYPES_MAX = 4
"""Machine types in one create call."""

ELSEWHERE_MAX = 2
"""Other regions that are tried."""

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

    A placement for each machine type of each region: each has its share of the users.

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
    fleet, *others = (_fleet_on(name, estimate) for name in (provider, *or_on))
    needs = needs_of(estimate.scenario, estimate.requirement)
    return tuple(_placement(group, others, needs, catalog, is_short) for group in fleet.groups)


def providers_of(placements: Sequence[Placement]) -> tuple[str, ...]:
    """All clouds that the placements may go to, the first choice first."""
    options = [option for placement in placements for option in placement.options]
    return tuple(dict.fromkeys(option.provider for option in options))


def first_on(provider: str, placements: Sequence[Placement]) -> tuple[Placement, ...]:
    """Of each placement the place that is tried first on that cloud."""
    found = (
        next((option for option in placement.options if option.provider == provider), None)
        for placement in placements
    )
    return tuple(option for option in found if option is not None)


def _fleet_on(provider: str, estimate: Estimate) -> Fleet:
    for fleet in estimate.clouds:
        if fleet.provider == provider:
            return fleet
    raise BadInputError(
        f"the estimate has no fleet on {provider!r}; it has "
        + ", ".join(fleet.provider for fleet in estimate.clouds),
        provider=provider,
    )


def _placement(
    group: FleetGroup, others: Sequence[Fleet], needs: Needs, catalog: Catalog, is_short: IsShort
) -> Placement:
    """The group's own place and all others of its cloud, then those of the other clouds."""
    first, *further = _options(group, needs, catalog, is_short)
    for fleet in others:
        same_part = (each for each in fleet.groups if each.part.region == group.part.region)
        site = _site(group, next(same_part).place, needs, catalog)
        if site is not None:
            further += _options(site.groups[0], needs, catalog, is_short)
    return replace(first, elsewhere=tuple(further))


def _options(
    group: FleetGroup, needs: Needs, catalog: Catalog, is_short: IsShort
) -> list[Placement]:
    """The group's own place and others of its cloud, those that were short a moment ago last."""
    provider = group.offering.machine.provider
    sites = [
        site
        for place in elsewhere(group.part.region, group.place, catalog)
        if (site := _site(group, place, needs, catalog))
    ]
    sites.sort(key=lambda site: site.monthly_usd_micros)
    groups = [group, *(site.groups[0] for site in sites[:ELSEWHERE_MAX])]
    options = [_at(each, needs, catalog, is_short) for each in groups]
    options.sort(key=lambda each: is_short(provider, each.region, each.machine_types[0]))
    return options


def _site(
    group: FleetGroup, place: CandidateRegion, needs: Needs, catalog: Catalog
) -> RegionalFleet | None:
    """Machines of one type that carry the group's part elsewhere; None: none may, or none can."""
    most = None if needs.wishes.machines_max is None else group.count
    return cheapest_site(
        group.part, place, needs.of_one_type().among(group.count), catalog, machines_max=most
    )


def _at(group: FleetGroup, needs: Needs, catalog: Catalog, is_short: IsShort) -> Placement:
    """The group's machines, in the types that will do; those that were short come last."""
    others = stand_ins(group, needs, catalog, TYPES_MAX - 1)
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
        around_monthly_usd_micros=around_monthly_usd_micros(
            catalog, group.place.provider, group.place.region, nat=needs.wishes.nat
        ),
    )
