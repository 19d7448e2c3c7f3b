"""The JSON documents that commands print: their shapes, their JSON Schemas, and how they are made.

The contract fixes the names that it shows; what is there beside them explains more. Money is
decimal US dollars as text, LI-minutes are integers, lengths of time seconds, days ISO 8601.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from engine.planning.cliffs import in_words
from engine.planning.costs import CostItem
from engine.planning.estimate import Estimate, Unknown
from engine.planning.fleet import Fleet
from engine.planning.next_best import Explanation
from engine.planning.offers import Offer
from engine.planning.sites import FleetGroup
from engine.planning.staged import Staged, risk_in_words
from pricing.money import format_cents, format_usd
from pricing.tariffs import Cliff

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Usd = Annotated[str, Field(pattern=r"^-?\d+\.\d{2,6}$", description="Decimal US dollars.")]


class Document(BaseModel):
    """A JSON object with at least these fields; later versions may have more."""

    model_config = ConfigDict(frozen=True)


class ScenarioPart(Document):
    """Which test was estimated."""

    name: str
    protocol: str
    format: str


class LoadPart(Document):
    """The planned load, without the overlap of users that finish gracefully."""

    peak_users: int
    duration_s: float
    user_seconds: float | None
    arrivals: float | None


class RegionPart(Document):
    """One region's part of the requirement."""

    region: str | None
    users: int
    injectors: int
    reference_injectors: int


class BoundPart(Document):
    """Users of a standard injector by one bound of the capacity model."""

    binding: str
    users: int


class OutlookPart(Document):
    """What the test would take with so many users on an injector."""

    users_per_injector: int
    injectors: int
    li_minutes: int


class RequirementPart(Document):
    """Standard injectors, and their LI-minutes."""

    injectors: int
    users_per_injector: int
    recommended_users_per_injector: int
    binding: str
    li_minutes: int
    startup_li_minutes: int
    regions: list[RegionPart]
    basis: str = Field(description="What the users per injector rest on.")
    bounds: list[BoundPart] = Field(description="The first binds.")
    at_least: OutlookPart = Field(description="If users take as little as they may.")
    at_most: OutlookPart = Field(description="If users take as much as they may.")


class MachinesPart(Document):
    """Machines of one type in one region."""

    provider: str
    region: str
    instance_type: str
    count: int
    usd_per_hour: Usd = Field(description="Of one machine, in decimal US dollars.")
    vcpus: int
    memory_mib: int
    architecture: str
    users: int
    users_per_machine: int
    binding: str
    as_of: date


class CostItemPart(Document):
    """One part of a cost; the parts add up to it before it is rounded to cents."""

    name: str
    usd: Usd
    usd_low: Usd
    usd_high: Usd


class CostPart(Document):
    """What the machines cost, in whole cents."""

    usd: Usd
    usd_low: Usd
    usd_high: Usd
    items: list[CostItemPart]


class CloudPart(Document):
    """The cheapest fleet of one cloud."""

    provider: str
    fleet: list[MachinesPart]
    cost: CostPart


class QuotePart(Document):
    """What a run would be billed on a plan, or by a service."""

    tariff: str
    unit: str
    quantity: int | float
    usd: Usd | None
    as_of: date
    runs_per_period: int | None = Field(description="On a subscription: such runs that it allows.")
    of_account: bool = Field(description="It is the plan of the account that was named.")


class CliffPart(Document):
    """A slightly smaller or larger test whose price is a step lower or higher."""

    tariff: str
    size: str = Field(description="What differs: injectors, users or duration_s.")
    here: int
    there: int = Field(description="Its number in the neighbouring test.")
    unit: str
    quantity: int | float
    quantity_there: int | float
    usd: Usd | None
    usd_there: Usd | None
    text: str


class UnknownPart(Document):
    """What is not known, or was assumed, and why."""

    field: str
    reason: str


class AlternativePart(Document):
    """Machines that were not chosen."""

    kind: str
    fleet: list[MachinesPart]
    usd: Usd
    usd_more: Usd = Field(description="Than the chosen machines.")
    reason: str


class ExplanationPart(Document):
    """Why a cloud's machines were chosen."""

    provider: str
    optimal: bool = Field(description="It is proven that no machines there are cheaper.")
    usd_least: Usd = Field(description="No machines there cost less.")
    usd_linear: Usd = Field(description="What parts of machines would cost at least.")
    gap_percent: float = Field(description="How far the cost is above that.")
    alternatives: list[AlternativePart] = Field(description="Cheapest first.")


class ShiftPart(Document):
    """Machines that are there together."""

    region: str
    instance_type: str
    count: int
    from_s: float
    until_s: float


class StagedCloudPart(Document):
    """One cloud's machines in shifts, beside all of them all the time."""

    provider: str
    usd: Usd
    usd_static: Usd
    shifts: list[ShiftPart]


class StagedPart(Document):
    """The test with injectors that come and go with its load."""

    li_minutes: int
    static_li_minutes: int
    clouds: list[StagedCloudPart]
    risk: str


class EstimateDocument(Document):
    """What a load test takes and costs."""

    scenario: ScenarioPart
    load: LoadPart
    requirement: RequirementPart
    fleet: list[MachinesPart] = Field(description="The cheapest of all clouds.")
    cost: CostPart = Field(description="Of that fleet.")
    clouds: list[CloudPart] = Field(description="Every cloud that was looked at, cheapest first.")
    quotes: list[QuotePart]
    unknown: list[UnknownPart]
    warnings: list[str]
    cliffs: list[CliffPart]
    explanation: list[ExplanationPart] | None = Field(
        None, description="With --explain: one for each cloud, in the order of clouds."
    )
    staged: StagedPart | None = Field(None, description="With --staged.")


def estimate_document(
    estimate: Estimate,
    explanations: Sequence[Explanation] | None = None,
    staged: Staged | None = None,
) -> dict[str, Any]:
    """The estimate in the shape of the contract, with why the machines were chosen."""
    scenario, load, requirement = estimate.scenario, estimate.load, estimate.requirement
    document = EstimateDocument(
        scenario=ScenarioPart(
            name=scenario.name, protocol=scenario.protocol.value, format=scenario.format
        ),
        load=LoadPart.model_validate(load, from_attributes=True),
        requirement=RequirementPart.model_validate(requirement, from_attributes=True),
        fleet=_machines(estimate.fleet),
        cost=_cost(estimate.fleet),
        clouds=[
            CloudPart(provider=fleet.provider, fleet=_machines(fleet), cost=_cost(fleet))
            for fleet in estimate.clouds
        ],
        quotes=[_quote(offer) for offer in estimate.quotes],
        unknown=[_unknown(each) for each in estimate.unknown],
        warnings=list(estimate.warnings),
        cliffs=[cliff_part(each) for each in estimate.cliffs],
        explanation=None if explanations is None else [_explanation(each) for each in explanations],
        staged=None if staged is None else _staged(staged),
    )
    return document.model_dump(mode="json")


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document, or of a scenario file.

    Args:
        name: One of ``SCHEMAS``.
    """
    if name == "scenario":
        from engine.readers.schema import scenario_schema

        return scenario_schema()
    schema = _document(name).model_json_schema(mode="serialization")
    return {"$schema": SCHEMA_DIALECT, **schema, "title": f"loadmuster {name}"}


SCHEMAS = ("scenario", "estimate", "compare")
"""Everything that has a JSON Schema."""


def _document(name: str) -> type[Document]:
    if name == "compare":
        from engine.comparison_document import ComparisonDocument

        return ComparisonDocument
    return EstimateDocument


def _machines(fleet: Fleet) -> list[MachinesPart]:
    return [_group(group) for group in fleet.groups]


def _group(group: FleetGroup) -> MachinesPart:
    offering = group.offering
    return MachinesPart(
        provider=offering.machine.provider,
        region=offering.region,
        instance_type=offering.machine.name,
        count=group.count,
        usd_per_hour=format_usd(offering.hourly_usd_micros),
        vcpus=offering.machine.vcpus,
        memory_mib=offering.machine.memory_mib,
        architecture=offering.machine.architecture,
        users=group.users,
        users_per_machine=group.users_per_machine,
        binding=group.binding,
        as_of=offering.as_of,
    )


def _explanation(each: Explanation) -> ExplanationPart:
    return ExplanationPart(
        provider=each.fleet.provider,
        optimal=each.is_optimal,
        usd_least=format_usd(each.least_usd_micros),
        usd_linear=format_usd(each.linear_usd_micros),
        gap_percent=round(each.gap_percent, 3),
        alternatives=[
            AlternativePart(
                kind=other.kind,
                fleet=_machines(other.fleet),
                usd=format_usd(other.fleet.usd_micros),
                usd_more=format_usd(other.more_usd_micros),
                reason=other.reason,
            )
            for other in each.alternatives
        ],
    )


def _staged(staged: Staged) -> StagedPart:
    return StagedPart(
        li_minutes=staged.li_minutes,
        static_li_minutes=staged.static_li_minutes,
        clouds=[
            StagedCloudPart(
                provider=fleet.provider,
                usd=format_cents(fleet.usd_micros),
                usd_static=format_cents(fleet.static_usd_micros),
                shifts=[
                    ShiftPart(
                        region=crew.offering.region,
                        instance_type=crew.offering.machine.name,
                        count=roster.count,
                        from_s=shift.from_s,
                        until_s=shift.until_s,
                    )
                    for crew in fleet.crews
                    for roster in crew.rosters
                    for shift in roster.shifts
                ],
            )
            for fleet in staged.fleets
        ],
        risk=risk_in_words(staged),
    )


def _cost(fleet: Fleet) -> CostPart:
    return CostPart(
        usd=format_cents(fleet.usd_micros),
        usd_low=format_cents(fleet.low_usd_micros),
        usd_high=format_cents(fleet.high_usd_micros),
        items=[_item(item) for item in fleet.items],
    )


def _item(item: CostItem) -> CostItemPart:
    return CostItemPart(
        name=item.name,
        usd=format_usd(item.usd_micros),
        usd_low=format_usd(item.low_usd_micros),
        usd_high=format_usd(item.high_usd_micros),
    )


def _quote(offer: Offer) -> QuotePart:
    return QuotePart(
        tariff=offer.name,
        unit=offer.unit,
        quantity=number(offer.quantity),
        usd=usd(offer.usd_micros),
        as_of=offer.as_of,
        runs_per_period=offer.runs_per_period,
        of_account=offer.is_of_account,
    )


def cliff_part(cliff: Cliff) -> CliffPart:
    """A cliff in JSON, with the sentence that people read."""
    here, there = cliff.price_here, cliff.price_there
    return CliffPart(
        tariff=here.tariff,
        size=cliff.size.value,
        here=cliff.here,
        there=cliff.there,
        unit=here.unit,
        quantity=number(here.quantity),
        quantity_there=number(there.quantity),
        usd=usd(here.usd_micros),
        usd_there=usd(there.usd_micros),
        text=in_words(cliff),
    )


def number(quantity: int | Decimal) -> int | float:
    """A quantity in JSON: units are numbers there, money never is."""
    return float(quantity) if isinstance(quantity, Decimal) else quantity


def usd(usd_micros: int | None) -> str | None:
    """Decimal dollars in whole cents; None where there is no price."""
    return None if usd_micros is None else format_cents(usd_micros)


def _unknown(each: Unknown) -> UnknownPart:
    return UnknownPart(field=each.field, reason=each.reason)
