"""Fleet: the machines of one cloud that carry a scenario, and everything they cost."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from msgspec import Struct

from engine.planning.capacity import Demand
from engine.planning.costs import (
    BY_TIME,
    NAT_GATEWAY,
    CostItem,
    Machines,
    billed_seconds,
    cost_items,
    highest_by_time,
)
from engine.planning.machines import MONTH_S
from engine.planning.needs import Needs, needs_of
from engine.planning.places import CandidateRegion
from engine.planning.ranges import Span
from engine.planning.refusals import refuse_load
from engine.planning.regional_fleet import FleetGroup, RegionalFleet, cheapest_site, least_monthly
from engine.planning.requirement import (
    RegionRequirement,
    Requirement,
    peak_users,
    planned_seconds,
    user_seconds,
)
from engine.planning.traffic import Traffic, egress_of, nat_of
from engine.scenario import Scenario
from pricing.catalog import Catalog
from pricing.money import BYTES_PER_GB


class Fleet(Struct, frozen=True):
    """Machines on one cloud, with their cost for the whole test.

    Attributes:
        provider: ``aws`` or ``azure``.
        sites: One for each part of the load.
        items: ``machines``, ``start-up``, ``disks``, ``public addresses``, ``egress``, and
            ``NAT gateway`` where machines are behind one and its price is known.
        own_high_usd_micros: The most that these machines may turn out to cost, whatever others a
            heavier load would take: a run launches no others.
        lighter: The sites if users take as little as they may; empty: it was not looked.
        heavier: If they take as much as they may; those that are, where no wished machines would
            carry them.
    """

    provider: str
    sites: tuple[RegionalFleet, ...]
    items: tuple[CostItem, ...]
    own_high_usd_micros: int
    lighter: tuple[RegionalFleet, ...] = ()
    heavier: tuple[RegionalFleet, ...] = ()

    @property
    def groups(self) -> tuple[FleetGroup, ...]:
        """The machines of all sites, by type."""
        return tuple(group for site in self.sites for group in site.groups)

    @property
    def machines(self) -> int:
        """How many."""
        return sum(site.machines for site in self.sites)

    @property
    def machines_range(self) -> Span:
        """How many machines the test may turn out to take.

        A heavier load may have fewer: large ones in the place of many small ones.
        """
        counts = [
            sum(site.machines for site in sites)
            for sites in (self.lighter, self.sites, self.heavier)
            if sites
        ]
        return Span(min(counts), self.machines, max(counts))

    @property
    def has_nat_gateway(self) -> bool:
        """Whether the cost of a NAT gateway is among the items."""
        return any(item.name == NAT_GATEWAY for item in self.items)

    @property
    def usd_micros(self) -> int:
        """What the test is expected to cost on this cloud."""
        return sum(item.usd_micros for item in self.items)

    @property
    def low_usd_micros(self) -> int:
        """The least that it may turn out to cost."""
        return sum(item.low_usd_micros for item in self.items)

    @property
    def high_usd_micros(self) -> int:
        """The most that it may turn out to cost."""
        return sum(item.high_usd_micros for item in self.items)


class Market(Struct, frozen=True):
    """One cloud, for one test.

    Attributes:
        provider: ``aws`` or ``azure``.
        catalog: Machine types and prices.
        needs: What the machines have to carry.
        duration_s: How long the test takes.
        traffic: What the parts of the load send.
        billed_s: How long each machine is billed.
        paid_bytes: What each part of the load pays egress for.
        carried_bytes: What each part sends and receives.
        is_outlook: Nothing is launched by it, so that machines near the cheapest will do.
    """

    provider: str
    catalog: Catalog
    needs: Needs
    duration_s: int
    traffic: Traffic
    billed_s: Span
    paid_bytes: tuple[Span, ...]
    carried_bytes: tuple[Span, ...]
    is_outlook: bool = False

    def fleet(
        self,
        sites: Sequence[RegionalFleet],
        lighter: Sequence[RegionalFleet] = (),
        heavier: Sequence[RegionalFleet] = (),
    ) -> Fleet:
        """The fleet of these sites, with its cost.

        Args:
            sites: One for each part of the load.
            lighter: The sites if users take as little as they may; empty: those that are.
            heavier: The sites if they take as much as they may; empty: those that are.
        """
        chosen = tuple(sites)
        items = cost_items(
            self.provider,
            Machines(chosen, tuple(lighter) or chosen, tuple(heavier) or chosen),
            duration_s=self.duration_s,
            traffic=self.traffic,
            nat=self.needs.wishes.nat,
            catalog=self.catalog,
        )
        own_high = highest_by_time(
            self.provider,
            chosen,
            duration_s=self.duration_s,
            nat=self.needs.wishes.nat,
            catalog=self.catalog,
        ) + sum(item.high_usd_micros for item in items if item.name not in BY_TIME)
        return Fleet(self.provider, chosen, items, own_high, tuple(lighter), tuple(heavier))

    def rank(self, number: int, place: CandidateRegion, monthly_usd_micros: int) -> int:
        """What machines there cost for the part of that number, in a unit of its own: exact."""
        by_time = monthly_usd_micros * self.billed_s.expected * BYTES_PER_GB
        return by_time + self._by_bytes(number, place).expected * MONTH_S

    def _by_bytes(self, number: int, place: CandidateRegion) -> Span:
        """What a part's traffic costs there, with the NAT gateway if it goes through one."""
        where = (self.catalog, place.provider, place.region)
        egress = egress_of(*where, self.paid_bytes[number])
        if not self.needs.wishes.nat:
            return egress
        gateway = nat_of(*where, self.carried_bytes[number], self.billed_s)
        return egress if gateway is None else egress.join(gateway, operator.add)


def market_of(
    scenario: Scenario, requirement: Requirement, *, catalog: Catalog, provider: str
) -> Market:
    """A cloud for the scenario."""
    needs = needs_of(scenario, requirement)
    traffic = Traffic(
        requests=_requests(scenario, requirement, needs.demand),
        request_bytes=needs.demand.request_bytes,
        is_assumed=scenario.request_bytes is None,
        response_bytes=needs.demand.response_bytes,
        are_responses_assumed=scenario.response_bytes is None,
        body_bytes=needs.demand.body_bytes,
        is_pace_assumed=needs.demand.is_pace_assumed,
    )
    duration_s = planned_seconds(scenario)
    return Market(
        provider,
        catalog,
        needs,
        duration_s,
        traffic,
        billed_s=billed_seconds(provider, duration_s),
        paid_bytes=traffic.paid_bytes(provider),
        carried_bytes=traffic.carried_bytes(),
    )


def cheapest_fleet(
    scenario: Scenario,
    requirement: Requirement,
    *,
    catalog: Catalog,
    provider: str,
    places: Sequence[Sequence[CandidateRegion]],
) -> Fleet:
    """The cheapest machines that carry the scenario.

    Args:
        scenario: What is to be run.
        requirement: What it takes.
        catalog: Machine types and prices.
        provider: ``aws`` or ``azure``.
        places: Where each of the requirement's regions may be on this cloud.

    Raises:
        ImpossibleLoadError: No machines carry the load, or none that were wished for.
    """
    market = market_of(scenario, requirement, catalog=catalog, provider=provider)
    sites = cheapest_sites(market, scenario.name, requirement.regions, places)
    return market.fleet(sites)


def cheapest_sites(
    market: Market,
    name: str,
    parts: Sequence[RegionRequirement],
    places: Sequence[Sequence[CandidateRegion]],
) -> Sequence[RegionalFleet]:
    """The cheapest machines for all parts of a load.

    Args:
        market: The cloud, and what a user takes.
        name: Of the scenario.
        parts: Of its load.
        places: Where each may be.

    Raises:
        ImpossibleLoadError: As ``cheapest_fleet``.
    """
    most, catalog = market.needs.wishes.machines_max, market.catalog
    sites = []
    for number, (part, choice) in enumerate(zip(parts, places, strict=True)):
        site = best_site(market, number, part, choice, machines_max=most)
        if site is None:
            raise refuse_load(name, part, choice, market.needs, catalog)
        sites.append(site)
    if most is not None and sum(site.machines for site in sites) > most:
        sites = _within(market, parts, places, most) or []
        if not sites:
            raise refuse_load(name, None, places[0], market.needs, catalog)
    return sites


def best_site(
    market: Market,
    number: int,
    part: RegionRequirement,
    places: Sequence[CandidateRegion],
    *,
    machines_max: int | None,
) -> RegionalFleet | None:
    """The cheapest machines for one part of the load, in the best of the places."""
    needs, catalog = market.needs, market.catalog

    def cheapest(
        place: CandidateRegion, is_worth: Callable[[int], bool] | None = None
    ) -> RegionalFleet | None:
        return cheapest_site(
            part,
            place,
            needs,
            catalog,
            machines_max=machines_max,
            roughly=market.is_outlook,
            is_worth=is_worth,
        )

    if len(places) == 1:
        return cheapest(places[0])
    bounds = []
    for place in places:
        least = least_monthly(part, place, needs, catalog)
        if least is not None:
            bounds.append((market.rank(number, place, least), place))
    bounds.sort(key=lambda each: each[0])
    best: tuple[int, RegionalFleet] | None = None
    for bound, place in bounds:
        if best is not None and bound >= best[0]:
            break  # nothing there, nor in any place after it, can be cheaper
        site = cheapest(place, best and partial(_is_cheaper, market, number, place, best[0]))
        if site is not None:
            rank = market.rank(number, place, site.monthly_usd_micros)
            if best is None or rank < best[0]:
                best = (rank, site)
    return None if best is None else best[1]


def _is_cheaper(
    market: Market, number: int, place: CandidateRegion, than: int, monthly_usd_micros: int
) -> bool:
    return market.rank(number, place, monthly_usd_micros) < than


def _within(
    market: Market,
    parts: Sequence[RegionRequirement],
    places: Sequence[Sequence[CandidateRegion]],
    machines_max: int,
) -> list[RegionalFleet] | None:
    """The cheapest sites that together have no more machines; None: there are none.

    Part by part, the cheapest for each number of machines that the parts so far may take.
    """
    best: dict[int, tuple[int, list[RegionalFleet]]] = {0: (0, [])}
    for number, (part, choice) in enumerate(zip(parts, places, strict=True)):
        further: dict[int, tuple[int, list[RegionalFleet]]] = {}
        most = machines_max
        while most > 0:
            site = best_site(market, number, part, choice, machines_max=most)
            if site is None:
                break
            for taken, (rank, sites) in best.items():
                machines = taken + site.machines
                total = rank + market.rank(number, site.place, site.monthly_usd_micros)
                if machines <= machines_max and (
                    machines not in further or total < further[machines][0]
                ):
                    further[machines] = (total, [*sites, site])
            most = site.machines - 1
        best = further
    return min(best.values(), key=lambda each: each[0])[1] if best else None


def _requests(scenario: Scenario, requirement: Requirement, demand: Demand) -> tuple[int, ...]:
    """Requests from each region: its users' part of the user-seconds, at the pace of one user."""
    per_peak_user = Fraction(user_seconds(scenario)) / peak_users(scenario)
    pace = Fraction(demand.requests_per_million_s, 1_000_000)
    return tuple(math.ceil(per_peak_user * part.users * pace) for part in requirement.regions)
