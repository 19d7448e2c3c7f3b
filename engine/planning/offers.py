"""Offers: the same test on each of our plans, and at load-testing services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from engine.planning.capacity import GIVEN
from engine.planning.requirement import (
    Requirement,
    injectors_for,
    peak_users,
    planned_seconds,
)
from engine.scenario import Scenario
from kernel.words import counted
from pricing.plans.model import Plan
from pricing.plans.quotes import Quote, Unit, quote_run, runs_within
from pricing.tariffs import (
    ContractRate,
    Counted,
    LoadSize,
    Rates,
    Tariff,
    price,
    rated_tariff,
)

SERVICES = ("loadview", "gatling")
"""The services whose bill stands beside our own in every estimate."""


class TariffOffer(Struct, frozen=True):
    """What one run would be billed somewhere.

    Attributes:
        name: The plan's, or the service's tariff.
        unit: What ``quantity`` counts.
        quantity: Units in all.
        usd_micros: The charge, in whole cents; None: see ``reason``.
        reason: Why there is no charge in money.
        as_of: The day from which the plan's tariff holds, or on which the service's was read.
        engines: Injectors that were counted on; None: they do not count.
        runs_per_period: On a subscription: such runs that one period's grant allows.
        quote: On one of our plans: the quote itself.
        assumption: What had to be assumed for ``quantity``.
        is_of_account: It is the plan of the account that asked.
        contract_rate: What the charge of a service rests on; None: on what it publishes.
    """

    name: str
    unit: str
    quantity: int | Decimal
    usd_micros: int | None
    reason: str | None
    as_of: date
    engines: int | None = None
    runs_per_period: int | None = None
    quote: Quote | None = None
    assumption: str | None = None
    is_of_account: bool = False
    contract_rate: ContractRate | None = None


def offers(
    scenario: Scenario,
    requirement: Requirement,
    *,
    plans: Sequence[Plan],
    account_plan: Plan | None,
    at: date | None,
    rates: Rates | None = None,
) -> tuple[TariffOffer, ...]:
    """The test on each plan, then at each service.

    Args:
        scenario: What is to be run.
        requirement: What it takes; our plans are quoted on it.
        plans: Those that are sold.
        account_plan: The plan of the account that asks; it then stands for all of them, so that
            a subscriber sees LI-minutes and no prices of other plans (R28).
        at: The day whose tariff versions count; None: the newest.
        rates: Contract rates, which services are priced at in place of what they publish.
    """
    ours = plans if account_plan is None else [account_plan]
    return (
        *(
            on_plan(plan, scenario, requirement, at, is_of_account=plan is account_plan)
            for plan in ours
        ),
        *_at_services(scenario, requirement, at, rates or {}),
    )


def usage_of(scenario: Scenario, injectors: int) -> LoadSize:
    """The scenario's size, on so many injectors."""
    return LoadSize(
        injectors=injectors,
        users=peak_users(scenario),
        duration_s=planned_seconds(scenario),
        protocol=scenario.protocol.value,
    )


def payload_at(tariff: Tariff, scenario: Scenario, requirement: Requirement) -> int | None:
    """Users on one of a service's injectors; None: ours are counted.

    Ours where the scenario fixes them, and where the service publishes no number. A service that
    reserves users by the injector decides on their number itself.
    """
    if requirement.binding == GIVEN and tariff.counts is not Counted.RESERVED_USERS:
        return None
    return tariff.users_per_injector.get(scenario.protocol.value)


def at_service(tariff: Tariff, scenario: Scenario, requirement: Requirement) -> TariffOffer:
    """What a service would bill.

    Raises:
        UsageError: It publishes too little to count the test, or the test is too large for it.
    """
    payload = payload_at(tariff, scenario, requirement)
    injectors = requirement.injectors
    if payload is not None:
        injectors = injectors_for(scenario, peak_users(scenario), payload)
    charge = price(tariff, usage_of(scenario, injectors))
    is_assumed = (
        tariff.looks_at_injectors and scenario.protocol.value not in tariff.users_per_injector
    )
    return TariffOffer(
        name=tariff.name,
        unit=charge.unit,
        quantity=charge.quantity,
        usd_micros=charge.usd_micros,
        reason=charge.unknown,
        as_of=charge.as_of if tariff.contract_rate is None else tariff.contract_rate.as_of,
        contract_rate=tariff.contract_rate,
        engines=charge.injectors if tariff.looks_at_injectors else None,
        assumption=_counted_on(tariff, scenario, injectors) if is_assumed else None,
    )


def _counted_on(tariff: Tariff, scenario: Scenario, injectors: int) -> str:
    """Why a service's injectors are counted as ours are."""
    protocol = scenario.protocol.value
    ours = f"counted on {injectors:,}, as for our plans"
    limit = tariff.theoretical_users_per_injector.get(protocol)
    if limit is None:
        return f"{tariff.title} publishes no number of {protocol} users per injector; {ours}"
    least = injectors_for(scenario, peak_users(scenario), limit)
    return (
        f"{limit:,} {protocol} users an injector are {tariff.title}'s theoretical limit, which "
        f"would be {counted(least, 'injector')}; {ours}"
    )


def on_plan(
    plan: Plan,
    scenario: Scenario,
    requirement: Requirement,
    at: date | None,
    *,
    is_of_account: bool = False,
) -> TariffOffer:
    """What a run is quoted on one of our plans."""
    quote = quote_run(plan, usage_of(scenario, requirement.injectors), at)
    in_money = quote.unit is Unit.USD
    return TariffOffer(
        name=plan.name,
        unit="LI-minute",
        quantity=quote.li_minutes,
        usd_micros=quote.total if in_money else None,
        reason=None if in_money else "runs of a subscription are paid in LI-minutes",
        as_of=quote.tariff_version,
        engines=quote.injectors,
        runs_per_period=None if in_money else runs_within(plan.li_minutes, quote.li_minutes),
        quote=quote,
        is_of_account=is_of_account,
    )


def _at_services(
    scenario: Scenario, requirement: Requirement, at: date | None, rates: Rates
) -> Iterator[TariffOffer]:
    for name in SERVICES:
        yield at_service(rated_tariff(name, at, rates), scenario, requirement)
