"""Unknowns: what an estimate does not know, or had to assume, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.planning.fleet import Fleet
from engine.planning.needs import needs_of
from engine.planning.offers import TariffOffer
from engine.planning.requirement import Requirement
from engine.planning.vcpu_speeds import REFERENCE, counted_speeds, lone_core_range
from engine.scenario import Scenario
from engine.scenario.profile import ClosedProfile
from pricing.catalog import Catalog


class Unknown(Struct, frozen=True):
    """Something that the estimate does not know, or had to assume, and why."""

    field: str
    reason: str


def unknowns(
    scenario: Scenario,
    requirement: Requirement,
    clouds: Sequence[Fleet],
    quotes: Sequence[TariffOffer],
    catalog: Catalog,
) -> Iterator[Unknown]:
    """Of the load, the users, the machines and the prices, in this order.

    Args:
        scenario: What was estimated.
        requirement: What it takes.
        clouds: The machines on each cloud.
        quotes: The same run on our plans and at services.
        catalog: Machine types, and how much their processors do.
    """
    if isinstance(scenario.profile, ClosedProfile):
        yield Unknown("load.arrivals", "a closed model: users wait for their responses")
    elif scenario.profile.user_seconds is None:
        yield Unknown("load.user_seconds", "how long an iteration takes is not given")
    for field, reason in requirement.demand.unsaid:
        yield Unknown(f"scenario.{field}", reason)
    yield from _unknown_about(scenario, clouds)
    yield from _unmeasured(scenario, requirement, clouds, catalog)
    for offer in quotes:
        if offer.assumption is not None:
            yield Unknown(f"quotes.{offer.name}.quantity", offer.assumption)
        if offer.reason is not None:
            yield Unknown(f"quotes.{offer.name}.usd", offer.reason)


def _unmeasured(
    scenario: Scenario, requirement: Requirement, clouds: Sequence[Fleet], catalog: Catalog
) -> Iterator[Unknown]:
    """Processors whose speed nobody knows, where speeds count: of machines, and of measurements."""
    if needs_of(scenario, requirement).candidate_wishes.cores_alike:
        return
    if scenario.measured is not None and not scenario.measured.is_speed_known:
        low, high = lone_core_range(catalog)
        yield Unknown(
            "scenario.measured.speed",
            "how much the processors do on which users were measured is not known; counted as "
            f"those of {REFERENCE}, for the range of machines as {low} to {high} % of them",
        )
    for fleet in clouds:
        speeds = counted_speeds(catalog, [group.offering.machine for group in fleet.groups])
        for each in speeds.families if speeds is not None else ():
            if not each.is_measured:
                yield Unknown(
                    f"clouds.{fleet.provider}.speed",
                    f"how much a vCPU of {each.family} does was not measured; it counts as the "
                    f"slowest that was, {each.percent} % of one of {REFERENCE}",
                )


def _unknown_about(scenario: Scenario, clouds: Sequence[Fleet]) -> Iterator[Unknown]:
    """What the clouds do not publish about the machines, and what surrounds them."""
    unpublished = {}
    for fleet in clouds:
        for group in fleet.groups:
            machine = group.offering.machine
            if machine.network_baseline_mbps is None and machine.network_burst_mbps is None:
                unpublished[machine.name] = Unknown(
                    f"clouds.{fleet.provider}.network",
                    f"the bandwidth of {machine.name} is not published; it was not checked",
                )
        if scenario.machines.nat and not fleet.has_nat_gateway:
            yield Unknown(
                f"clouds.{fleet.provider}.nat",
                f"what a NAT gateway costs on {fleet.provider} is not known; its cost is without",
            )
    yield from unpublished.values()
