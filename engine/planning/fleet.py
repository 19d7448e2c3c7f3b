"""Fleet: the machines of one cloud that carry a scenario, and everything they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.planning.capacity import GIVEN, Demand, demand_of
from engine.planning.costs import CostItem, Traffic, cost_items
from engine.planning.machines import FleetGroup, cheapest_group
from engine.planning.places import Place
from engine.planning.requirement import (
    ImpossibleLoadError,
    Requirement,
    peak_users,
    planned_seconds,
    user_seconds,
)
from engine.scenario import Scenario
from pricing.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines on one cloud, with their cost for the whole test.

    Attributes:
        provider: ``aws`` or ``azure``.
        groups: One for each region.
        items: ``machines``, ``start-up``, ``disks``, ``public addresses``, ``egress``.
    """

    provider: str
    groups: tuple[FleetGroup, ...]
    items: tuple[CostItem, ...]

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


def cheapest_fleet(
    scenario: Scenario,
    requirement: Requirement,
    *,
    catalog: Catalog,
    provider: str,
    places: Sequence[Place],
) -> Fleet:
    """The cheapest fleet of one machine type a region.

    Args:
        scenario: What is to be run.
        requirement: What it takes.
        catalog: Machine types and prices.
        provider: ``aws`` or ``azure``.
        places: Where each of the requirement's regions is on this cloud.

    Raises:
        ImpossibleLoadError: No machine in a region carries a single user.
    """
    demand = demand_of(scenario)
    payload = requirement.users_per_injector if requirement.binding == GIVEN else None
    groups = []
    for region, place in zip(requirement.regions, places, strict=True):
        group = cheapest_group(region, place, demand, payload, catalog, provider)
        if group is None:
            raise ImpossibleLoadError(
                f"{scenario.name}: no machine type of {provider} in {place.region} carries a "
                "single user; check the requests per user and their sizes",
                provider=provider,
                region=place.region,
            )
        groups.append(group)
    items = cost_items(
        provider,
        groups,
        duration_s=planned_seconds(scenario),
        traffic=Traffic(
            requests=_requests(scenario, requirement, demand),
            request_bytes=demand.request_bytes,
            is_assumed=scenario.request_bytes is None,
        ),
        catalog=catalog,
    )
    return Fleet(provider, tuple(groups), items)


def _requests(scenario: Scenario, requirement: Requirement, demand: Demand) -> tuple[int, ...]:
    """Requests from each region: its users' part of the user-seconds, at the pace of one user."""
    per_peak_user = Fraction(user_seconds(scenario)) / peak_users(scenario)
    pace = Fraction(demand.requests_per_million_s, 1_000_000)
    return tuple(math.ceil(per_peak_user * part.users * pace) for part in requirement.regions)
