"""Next best: the fleets that were not chosen, what they would cost more, and why.

Each is again the cheapest one, with something of the chosen fleet ruled out: its types mixed, its
main type, its family, its architecture, its region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from engine.planning.core_speeds import FasterMachine, faster_for_the_price
from engine.planning.costs import BY_TIME, EGRESS
from engine.planning.estimate import Estimate
from engine.planning.fleet import Fleet, Market, best_site, market_of
from engine.planning.machines import cost_by_time
from engine.planning.needs import Needs
from engine.planning.places import CandidateRegion
from engine.planning.regional_fleet import FleetGroup, RegionalFleet, cheapest_site
from engine.planning.vcpu_speeds import CountedSpeeds, counted_speeds
from kernel.words import counted
from pricing.catalog import Catalog
from pricing.money import divide_half_up, format_usd

OTHER_REGION = "other region"
ARCHITECTURES = ("x86_64", "arm64")


class Alternative(Struct, frozen=True):
    """A fleet that was not chosen.

    Attributes:
        kind: ``one type``, ``other type``, ``other size``, ``other family``,
            ``other architecture`` or ``other region``.
        fleet: Its machines and their cost.
        more_usd_micros: What it costs more than the chosen one; below zero only in another region.
        reason: Why.
    """

    kind: str
    fleet: Fleet
    more_usd_micros: int
    reason: str


class Explanation(Struct, frozen=True):
    """Why a cloud's fleet is the cheapest.

    Attributes:
        fleet: The chosen one.
        least_usd_micros: No machines in these regions carry the load for less: what the fleet
            costs, if that is proven.
        linear_usd_micros: What it would cost at least if parts of machines could be rented.
        alternatives: The next best, cheapest first.
        faster: Where all processors count alike, a machine that does more for its price than the
            main type, by measured speeds; None: none, or nothing is known.
        speeds: How much the processors of the chosen machines count; None: all count alike.
    """

    fleet: Fleet
    least_usd_micros: int
    linear_usd_micros: int
    alternatives: tuple[Alternative, ...]
    faster: FasterMachine | None = None
    speeds: CountedSpeeds | None = None

    @property
    def is_optimal(self) -> bool:
        """It is proven that no other fleet is cheaper."""
        return self.least_usd_micros == self.fleet.usd_micros

    @property
    def gap_percent(self) -> float:
        """How much more the fleet costs than parts of machines would."""
        if not self.linear_usd_micros:
            return 0.0
        return 100 * (self.fleet.usd_micros / self.linear_usd_micros - 1)


def explain(estimate: Estimate, catalog: Catalog) -> tuple[Explanation, ...]:
    """Why each cloud's fleet was chosen, in the order of the estimate's clouds."""
    return tuple(_explained(estimate, fleet, catalog) for fleet in estimate.clouds)


def _explained(estimate: Estimate, fleet: Fleet, catalog: Catalog) -> Explanation:
    market = market_of(
        estimate.scenario, estimate.requirement, catalog=catalog, provider=fleet.provider
    )
    seen, found = {_machines(fleet)}, []
    for kind, sites in _others(market, fleet):
        other = market.fleet(sites)
        more = other.usd_micros - fleet.usd_micros
        if _machines(other) not in seen and (more >= 0 or kind == OTHER_REGION):
            seen.add(_machines(other))
            found.append(Alternative(kind, other, more, _reason(fleet, other)))
    found.sort(key=lambda each: each.more_usd_micros)
    least = sum(site.least_monthly_usd_micros for site in fleet.sites)
    linear = sum(site.linear_monthly_usd_micros for site in fleet.sites)
    return Explanation(
        fleet,
        _usd(market, fleet, least),
        _usd(market, fleet, linear),
        tuple(found),
        faster_for_the_price(fleet.groups[0], catalog, market.needs.wishes),
        speeds_of_choice(fleet, market.needs, catalog),
    )


def speeds_of_choice(fleet: Fleet, needs: Needs, catalog: Catalog) -> CountedSpeeds | None:
    """By which speeds the machines were chosen; None: by none, every processor counts alike."""
    if needs.candidate_wishes.cores_alike:
        return None
    return counted_speeds(catalog, [group.offering.machine for group in fleet.groups])


def _others(market: Market, fleet: Fleet) -> Iterator[tuple[str, Sequence[RegionalFleet]]]:
    """Each kind of alternative that exists."""
    needs = market.needs
    wishes = needs.wishes
    machines = [site.groups[0].offering.machine for site in fleet.sites]
    families = market.catalog.machine_types(market.provider).values()
    main = {machine.family for machine in machines}
    types = frozenset(machine.name for machine in machines)
    of_family = frozenset(each.name for each in families if each.family in main)
    variants: list[tuple[str, Needs, frozenset[str]]] = [
        ("one type", needs.of_one_type(), frozenset()),
        ("other type", needs, types),
        (
            "other size",
            replace(needs.of_one_type(), wishes=replace(wishes, families=(*main,), mixed=False)),
            types,
        ),
        ("other family", needs, of_family),
    ]
    if wishes.architecture is None:
        variants += [
            ("other architecture", replace(needs, wishes=replace(wishes, architecture=each)), types)
            for each in ARCHITECTURES
            if all(machine.architecture != each for machine in machines)
        ]
    for kind, other_needs, without in variants:
        sites = [
            cheapest_site(
                site.part,
                site.place,
                other_needs,
                market.catalog,
                machines_max=None if wishes.machines_max is None else site.machines,
                without=without,
            )
            for site in fleet.sites
        ]
        if all(sites):
            yield kind, [site for site in sites if site]
    moved = _moved(market, fleet)
    if moved:
        yield OTHER_REGION, moved


def _moved(market: Market, fleet: Fleet) -> Sequence[RegionalFleet]:
    """The largest site in the cheapest of the cloud's regions without a site; empty: none."""
    taken = {site.place.region for site in fleet.sites}
    number = max(range(len(fleet.sites)), key=lambda i: fleet.sites[i].monthly_usd_micros)
    places = [
        CandidateRegion(market.provider, region)
        for region in market.catalog.regions(market.provider)
        if region not in taken
    ]
    site = best_site(
        market,
        number,
        fleet.sites[number].part,
        places,
        machines_max=market.needs.wishes.machines_max,
    )
    if site is None:
        return ()
    return [site if i == number else each for i, each in enumerate(fleet.sites)]


def _reason(chosen: Fleet, other: Fleet) -> str:
    """What makes the other one dearer, in one line; only elsewhere can it be cheaper."""
    if other.usd_micros < chosen.usd_micros:
        where = ", ".join(dict.fromkeys(site.place.region for site in chosen.sites))
        return f"cheaper, but the load is to come from {where}"
    price, other_price = _price_of_room(chosen.groups), _price_of_room(other.groups)
    said = []
    if other_price > price:
        said.append(
            f"{format_usd(other_price)} USD an hour for 1,000 users, not {format_usd(price)}"
        )
    idle = _room(other.groups) - sum(group.users for group in other.groups)
    if idle > _room(chosen.groups) - sum(group.users for group in chosen.groups):
        said.append(f"room for {counted(idle, 'user')} stays empty")
    if other.machines > chosen.machines:
        said.append(
            f"disks and addresses of {other.machines:,}, "
            f"not of {counted(chosen.machines, 'machine')}"
        )
    egress = [_item(fleet, EGRESS) for fleet in (chosen, other)]
    if egress[1] > egress[0]:
        said.append("egress is dearer there")
    return "; ".join(said) or "as cheap, with more machines"


def _room(groups: Sequence[FleetGroup]) -> int:
    return sum(group.count * group.users_per_machine for group in groups)


def _price_of_room(groups: Sequence[FleetGroup]) -> int:
    """Micro-dollars an hour for machines with room for 1,000 users."""
    hourly = sum(group.hourly_usd_micros for group in groups)
    return divide_half_up(1_000 * hourly, _room(groups))


def _usd(market: Market, fleet: Fleet, monthly_usd_micros: int) -> int:
    """What a fleet of that price by the month would cost for the test, with the same traffic."""
    by_time = cost_by_time(monthly_usd_micros, market.billed_s.expected)
    return by_time + sum(item.usd_micros for item in fleet.items if item.name not in BY_TIME)


def _item(fleet: Fleet, name: str) -> int:
    return next(item.usd_micros for item in fleet.items if item.name == name)


def _machines(fleet: Fleet) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (group.place.region, group.offering.machine.name, group.count) for group in fleet.groups
    )
