"""Compare: the same test on our plans, on cloud accounts of one's own and at every service.

Pure, like the estimate that it builds on. Cheapest first; what has no price comes last, with the
reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.capacity import Demand
from engine.planning.cliffs import cliffs_of
from engine.planning.compared_row import Kind, Row
from engine.planning.estimate import Estimate, estimate
from engine.planning.fleet import Fleet
from engine.planning.listed_prices import at_listed_price
from engine.planning.offers import TariffOffer, at_service, payload_at
from engine.planning.places import ANY_PROVIDER
from engine.planning.requirement import planned_seconds, user_seconds
from engine.scenario import Scenario
from kernel.words import counted
from pricing.catalog import Catalog
from pricing.money import (
    MICROS_PER_CENT,
    SECONDS_PER_HOUR,
    divide_half_up,
    format_cents,
    format_usd,
    to_cents_half_up,
)
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, estimated_plans
from pricing.tariffs import (
    HOUSE_TARIFFS,
    Cliff,
    LoadSize,
    MonthlyPlan,
    Rates,
    Tariff,
    UsageError,
    load_tariff,
    monthly_plans,
    price,
    rated_tariff,
    tariff_names,
    to_number,
)

MICRO = 1_000_000


class Comparison(Struct, frozen=True):
    """An estimate, and all ways to run it: cheapest first, without a price last.

    Attributes:
        estimate: Of the test.
        rows: What a run costs.
        monthly_plans: What services sell by the month instead, cheapest first; empty: one asked for
            some tariffs only.
    """

    estimate: Estimate
    rows: tuple[Row, ...]
    monthly_plans: tuple[MonthlyPlan, ...] = ()


def compare(  # noqa: PLR0913 - what a comparison rests on
    scenario: Scenario,
    *,
    catalog: Catalog | None = None,
    provider: str = ANY_PROVIDER,
    regions: Sequence[str] = (),
    at: date | None = None,
    plans: Sequence[Plan] | None = None,
    tariffs: Sequence[str] | None = None,
    rates: Rates | None = None,
) -> Comparison:
    """The test at every tariff that is in force, on every plan and on each cloud.

    Args:
        scenario: What is to be run.
        catalog: Machine types and prices; None: the bundled catalogue.
        provider: Whose machines an account of one's own would take.
        regions: Where the load comes from, in equal shares; replaces the scenario's.
        at: The day whose tariffs count; None: the newest.
        plans: Those that are sold; None: the bundled ones that ``estimated_plans`` chooses.
        tariffs: Of which services; None: ``services()``.
        rates: Contract rates, which services are priced at in place of what they publish.

    Raises:
        UnknownTariffError: No such tariff. Else as ``estimate`` does.
    """
    catalog = catalog or Catalog.bundled()
    sold = estimated_plans(BUNDLED_PLANS) if plans is None else plans
    estimated = estimate(
        scenario, catalog=catalog, provider=provider, regions=regions, at=at, plans=sold
    )
    rows = (
        *_plans(estimated, {plan.name: plan for plan in sold}),
        *(_own_account(fleet, estimated) for fleet in estimated.clouds),
        *(
            _at_rate(name, at, rates or {}, estimated, catalog)
            for name in (services() if tariffs is None else tariffs)
        ),
    )
    return Comparison(
        estimated,
        tuple(sorted(rows, key=_cheapest_first)),
        monthly_plans() if tariffs is None else (),
    )


def services() -> tuple[str, ...]:
    """The tariffs of load-testing services that are in force."""
    return tuple(
        name
        for name in tariff_names()
        if name not in HOUSE_TARIFFS and load_tariff(name).superseded_by is None
    )


def _plans(estimated: Estimate, plans: dict[str, Plan]) -> Iterator[Row]:
    for offer in estimated.quotes:
        if offer.quote is None:
            continue
        plan = plans[offer.name]
        usd_micros, reason, assumption = price_on_plan(plan, offer)
        yield Row(
            name=offer.name,
            title=f"plan {offer.name}",
            kind=Kind.PLAN,
            engines=offer.engines,
            unit=offer.unit,
            quantity=offer.quantity,
            usd_micros=usd_micros,
            as_of=offer.as_of,
            reason=reason,
            assumption=assumption,
            cliffs=estimated.cliffs if offer.usd_micros is not None else (),
        )


def price_on_plan(plan: Plan, offer: TariffOffer) -> tuple[int | None, str | None, str | None]:
    """What a run is charged, or why not; on a subscription its share of the month, and a note."""
    assert offer.quote is not None, offer.name
    users_max = plan.caps.users
    if users_max is not None and offer.quote.users > users_max:
        return None, f"at most {counted(users_max, 'user')} a run", None
    if offer.usd_micros is not None:
        return offer.usd_micros, None, None
    monthly = format_cents(plan.monthly_usd_micros)
    share = divide_half_up(plan.monthly_usd_micros * offer.quote.li_minutes, plan.li_minutes)
    assumption = (
        f"its share of {monthly} USD a month for {counted(plan.li_minutes, 'LI-minute')}, "
        f"if all of them are used"
    )
    return to_cents_half_up(share), None, assumption


def _own_account(fleet: Fleet, estimated: Estimate) -> Row:
    hours = Fraction(fleet.machines * planned_seconds(estimated.scenario), SECONDS_PER_HOUR)
    low, high = _in_words(fleet.low_usd_micros), _in_words(fleet.high_usd_micros)
    counted = "machines, start-up, disks, addresses and egress"
    if fleet.has_nat_gateway:
        counted = "machines, start-up, disks, egress and a NAT gateway"
    is_whole = fleet.has_nat_gateway or not estimated.scenario.machines.nat
    return Row(
        name=CLOUDS[fleet.provider].own_tariff,
        title=f"own account on {fleet.provider}",
        kind=Kind.OWN,
        engines=fleet.machines,
        unit="machine-hour",
        quantity=to_number(hours),
        usd_micros=fleet.usd_micros if is_whole else None,
        as_of=min(group.offering.as_of for group in fleet.groups),
        reason=None
        if is_whole
        else f"what a NAT gateway costs there is not known; without it {low} to {high} USD",
        assumption=f"{counted}: {low} to {high} USD" if is_whole else None,
    )


def _in_words(usd_micros: int) -> str:
    """In cents; what is less than one is exact, since it is not nothing."""
    return format_cents(usd_micros) if usd_micros >= MICROS_PER_CENT else format_usd(usd_micros)


def _at_rate(
    name: str, at: date | None, rates: Rates, estimated: Estimate, catalog: Catalog
) -> Row:
    """A service at the customer's contract rate, if he has one, beside what it publishes."""
    published = _service(at_listed_price(load_tariff(name, at), catalog), estimated)
    tariff = rated_tariff(name, at, rates)
    rate = tariff.contract_rate
    if rate is None:
        return replace(published, published_usd_micros=published.usd_micros)
    row = _service(tariff, estimated)
    others = (
        "a price of the service was not found"
        if published.usd_micros is None
        else f"at the published price {format_cents(published.usd_micros)} USD"
    )
    per = f"{format_usd(rate.usd_micros_per_unit)} USD a {rate.unit}"
    at_rate = f"at your contract rate of {per}, of {rate.as_of}; {others}"
    return replace(
        row,
        assumption="; ".join(filter(None, (at_rate, row.assumption))),
        contract_rate=rate,
        published_usd_micros=published.usd_micros,
    )


def _service(tariff: Tariff, estimated: Estimate) -> Row:
    scenario, requirement = estimated.scenario, estimated.requirement
    try:
        if tariff.machines_of is not None:
            return _on_machines(tariff, estimated)
        offer = at_service(tariff, scenario, requirement)
    except UsageError as error:
        return _row(tariff, reason=error.line)
    return _row(
        tariff,
        engines=offer.engines,
        quantity=offer.quantity,
        usd_micros=offer.usd_micros,
        reason=offer.reason,
        assumption=offer.assumption,
        cliffs=cliffs_of(tariff, scenario, requirement, payload_at(tariff, scenario, requirement)),
    )


def _on_machines(tariff: Tariff, estimated: Estimate) -> Row:
    """A service that passes on what the machines of a cloud account cost."""
    scenario = estimated.scenario
    for fleet in estimated.clouds:
        if fleet.provider == tariff.machines_of:
            usage = LoadSize(
                injectors=fleet.machines,
                users=estimated.load.peak_users,
                duration_s=planned_seconds(scenario),
                protocol=scenario.protocol.value,
                machines_usd_micros=sum(group.hourly_usd_micros for group in fleet.groups),
                sent_bytes=_sent_bytes(scenario, estimated.requirement.demand),
            )
            charge = price(tariff, usage)
            return _row(
                tariff,
                engines=fleet.machines,
                quantity=charge.quantity,
                usd_micros=charge.usd_micros,
                assumption=f"on the machines of {CLOUDS[fleet.provider].own_tariff}, "
                "without its subscription",
            )
    return _row(tariff, reason=f"no machines of {tariff.machines_of} were looked at")


def _row(
    tariff: Tariff,
    *,
    engines: int | None = None,
    quantity: int | Decimal | None = None,
    usd_micros: int | None = None,
    reason: str | None = None,
    assumption: str | None = None,
    cliffs: tuple[Cliff, ...] = (),
) -> Row:
    return Row(
        name=tariff.name,
        title=tariff.title,
        kind=Kind.SERVICE,
        engines=engines,
        unit=tariff.unit,
        quantity=quantity,
        usd_micros=usd_micros,
        as_of=tariff.as_of,
        reason=reason,
        assumption=assumption,
        cliffs=cliffs,
        price_from=tariff.price_from if usd_micros is not None else None,
    )


def _sent_bytes(scenario: Scenario, demand: Demand) -> int:
    requests = user_seconds(scenario) * demand.requests_per_million_s / MICRO
    return math.ceil(requests) * demand.request_bytes


def _cheapest_first(row: Row) -> tuple[bool, int, bool, str]:
    return row.usd_micros is None, row.usd_micros or 0, row.quantity is None, row.name
