"""Situations: what load tests have in common beside their numbers, and what follows from it.

A situation is a protocol, a place, a machine type and a plan. A sweep of a million rows has few of
them; each is looked up once, and the rows then compute with its figures.
"""

from __future__ import annotations

import math
from datetime import date
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.capacity import STANDARD_INJECTOR, Demand, capacity_of, demand_of
from engine.planning.needs import Needs
from engine.planning.places import is_choice
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from engine.sweeping.billing import Billing, billing_of
from engine.sweeping.columns import Problem
from engine.sweeping.machine_prices import MachinePrices, machine_prices
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.catalog import Catalog
from pricing.money import BYTES_PER_GB
from pricing.plans.model import Plan

PACE_S = 1_000_000
INT64_MAX = 2**63 - 1


class Situation(Struct, frozen=True, order=True):
    """What a row says in words; an empty word: nothing.

    Attributes:
        protocol: What the users speak.
        provider: Whose machines; with neither provider nor region, no machines are looked for.
        region: Where they are; default: the provider's default region.
        instance_type: The only machine type that may be taken; empty: any.
        plan: The plan or the tariff that bills the run.
        is_fixed: The row fixes its payload or its injectors.
    """

    protocol: str
    provider: str
    region: str
    instance_type: str
    plan: str
    is_fixed: bool

    def scenario(self, users: int, duration_s: int) -> Scenario:
        """The load test whose single estimate a row equals; without its payload."""
        return Scenario(
            "row",
            Protocol(self.protocol),
            closed([(0, users), (duration_s, users)]),
            machines=MachineWishes(types=(self.instance_type,) if self.instance_type else ()),
        )


class EgressStep(Struct, frozen=True):
    """What sending costs from so many requests on.

    Attributes:
        beyond: Requests above which it holds.
        usd_micros: Micro-dollars of so many requests as ``requests``.
        requests: See ``usd_micros``.
        before_usd_micros: What is added: dearer gigabytes below. A whole number, since tiers begin
            at whole gigabytes.
    """

    beyond: int
    usd_micros: int
    requests: int
    before_usd_micros: int


class MachineFigures(Struct, frozen=True, eq=False):
    """What machines in a place cost.

    Attributes:
        provider: Whose they are.
        region: Where.
        needs: What they have to carry.
        prices: The least by the month.
        start_up_s: Billed before the load begins.
        minimum_s: Billed at least.
        step_s: Billed in steps of so many.
        requests: Requests of a million user-seconds, as a fraction of ``requests_of``.
        requests_of: See ``requests``; user-seconds in which there are so many.
        egress: What requests cost to send, by tier; the first holds from the first request on.
    """

    provider: str
    region: str
    needs: Needs
    prices: MachinePrices
    start_up_s: int
    minimum_s: int
    step_s: int
    requests: int
    requests_of: int
    egress: tuple[EgressStep, ...]


class Figures(Struct, frozen=True, eq=False):
    """What the rows of a situation compute with.

    Attributes:
        payload: Users on a standard injector.
        billing: How the run is billed.
        machines: What machines cost; None: none were asked for.
    """

    payload: int
    billing: Billing
    machines: MachineFigures | None


@lru_cache(maxsize=4_096)
def figures_of(
    situation: Situation, catalog: Catalog, at: date | None, plans: tuple[Plan, ...]
) -> Figures | Problem:
    """The figures of a situation, or what is wrong with it; the problem's row is to be filled in.

    Args:
        situation: What the rows say.
        catalog: Machine types and prices.
        at: The day whose tariffs count; None: the newest.
        plans: Those on sale.
    """
    if situation.protocol not in set(Protocol):
        known, hint = ", ".join(Protocol), meant(situation.protocol, Protocol)
        return Problem(0, "protocol", f"{situation.protocol!r} is unknown{hint}; there are {known}")
    demand = demand_of(situation.scenario(1, 1))
    payload = capacity_of(STANDARD_INJECTOR, demand).users
    try:
        billing = billing_of(
            situation.plan,
            situation.protocol,
            plans,
            is_fixed=situation.is_fixed,
            at=at,
            catalog=catalog,
        )
    except BadInputError as error:
        return Problem(0, "plan", error.message)
    if not situation.provider and not situation.region:
        if situation.instance_type:
            return Problem(0, "instance_type", "needs a provider or a region")
        return Figures(payload, billing, None)
    machines = _machines(situation, demand, catalog)
    return machines if isinstance(machines, Problem) else Figures(payload, billing, machines)


def _machines(situation: Situation, demand: Demand, catalog: Catalog) -> MachineFigures | Problem:
    place = _place(situation, catalog)
    if isinstance(place, Problem):
        return place
    provider, region = place
    name = situation.instance_type
    if name:
        try:
            offering = catalog.offering(provider, region, name)
        except BadInputError as error:
            return Problem(0, "instance_type", error.message)
        if offering.machine.burstable:
            return Problem(0, "instance_type", f"{name} is burstable; such are never taken")
    wishes = MachineWishes(types=(name,) if name else ())
    needs = Needs(demand, 1 if situation.is_fixed else None, wishes)
    prices = machine_prices(catalog, provider, region, needs)
    if prices is None:
        what = name or f"any machine of {provider} in {region}"
        return Problem(
            0, "instance_type" if name else "region", f"{what} carries no {situation.protocol} user"
        )
    cloud = CLOUDS[provider]
    rule = cloud.prices.billing
    pace = math.gcd(demand.requests_per_million_s, PACE_S)
    figures = MachineFigures(
        provider=provider,
        region=region,
        needs=replace(needs, payload=None),
        prices=prices,
        start_up_s=cloud.start_up.expected_s,
        minimum_s=rule.minimum_s,
        step_s=rule.step_s,
        requests=demand.requests_per_million_s // pace,
        requests_of=PACE_S // pace,
        egress=_egress_steps(catalog, provider, region, demand.request_bytes),
    )
    assert all(step.usd_micros * step.requests < INT64_MAX for step in figures.egress), (
        "a dearer gigabyte overflows 64 bits"
    )
    return figures


def _egress_steps(
    catalog: Catalog, provider: str, region: str, request_bytes: int
) -> tuple[EgressStep, ...]:
    """The tiers of ``pricing.catalog.egress_cost``, counted in requests."""
    free_gb = CLOUDS[provider].prices.free_egress_gb
    steps: list[EgressStep] = []
    before = last = 0
    for tier in catalog.egress_tiers(provider, region):
        usd_micros = tier.price.usd_micros
        paid_gb = max(0, tier.from_gb - free_gb)
        before += (last - usd_micros) * paid_gb if steps else 0
        last = usd_micros
        per_request = usd_micros * request_bytes
        shared = math.gcd(per_request, BYTES_PER_GB)
        steps.append(
            EgressStep(
                beyond=paid_gb * BYTES_PER_GB // request_bytes if steps and request_bytes else 0,
                usd_micros=per_request // shared,
                requests=BYTES_PER_GB // shared,
                before_usd_micros=before,
            )
        )
        if not request_bytes:
            break
    return tuple(steps)


def _place(situation: Situation, catalog: Catalog) -> tuple[str, str] | Problem:
    """Provider and region; a region's name tells its provider."""
    provider, region = situation.provider, situation.region
    if provider and provider not in CLOUDS:
        hint = meant(provider, CLOUDS)
        return Problem(
            0, "provider", f"{provider!r} is unknown{hint}; there are {', '.join(CLOUDS)}"
        )
    if not region:
        return provider, CLOUDS[provider].prices.default_region
    if is_choice(region):
        return Problem(0, "region", f"{region!r} is no one region; a row has one, a grid takes it")
    try:
        ((found, _), *_) = catalog.places(provider or None, region)
    except BadInputError as error:
        return Problem(0, "region", error.message)
    return found, region
