"""The shapes of the documents, part by part."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

# Of the standard library's, pydantic cannot make a schema before Python 3.12.
from typing_extensions import TypedDict

from engine.clouds import CLOUDS

OWN_TARIFFS = " and ".join(cloud.own_tariff for cloud in CLOUDS.values())

Usd = Annotated[str, Field(pattern=r"^-?\d+\.\d{2,6}$", description="Decimal US dollars.")]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]


class ScenarioPart(TypedDict):
    """Which test was estimated."""

    name: str
    protocol: str
    format: str


class LoadPart(TypedDict):
    """The planned load, without the overlap of users that finish gracefully."""

    peak_users: int
    duration_s: float
    user_seconds: float | None
    arrivals: float | None


class RegionPart(TypedDict):
    """One region's part of the requirement."""

    region: str | None
    users: int
    injectors: int
    reference_injectors: int


class BoundPart(TypedDict):
    """Users of a standard injector by one bound of the capacity model."""

    binding: str
    users: int


class OutlookPart(TypedDict):
    """What the test would take with so many users on an injector."""

    users_per_injector: int
    injectors: int
    li_minutes: int


class RequirementPart(TypedDict):
    """Standard injectors, and their LI-minutes."""

    injectors: int
    users_per_injector: int
    recommended_users_per_injector: int
    binding: str
    li_minutes: int
    startup_li_minutes: int
    regions: list[RegionPart]
    basis: Annotated[str, Field(description="What the users per injector rest on.")]
    bounds: Annotated[list[BoundPart], Field(description="The first binds.")]
    at_least: Annotated[OutlookPart, Field(description="If users take as little as they may.")]
    at_most: Annotated[OutlookPart, Field(description="If users take as much as they may.")]


class MachinesPart(TypedDict):
    """Machines of one type in one region."""

    provider: str
    region: str
    instance_type: str
    count: int
    usd_per_hour: Annotated[Usd, Field(description="Of one machine, in decimal US dollars.")]
    vcpus: int
    memory_mib: int
    architecture: str
    users: int
    users_per_machine: int
    binding: str
    as_of: Day


class CostItemPart(TypedDict):
    """One part of a cost; the parts add up to it."""

    name: str
    usd: Usd
    usd_low: Usd
    usd_high: Usd


class MachinesRangePart(TypedDict):
    """How many machines the test takes, and between which numbers that may turn out to lie."""

    low: int
    expected: int
    high: int


class CostPart(TypedDict):
    """What the machines cost: exact amounts, with two decimals at least."""

    usd: Usd
    usd_low: Usd
    usd_high: Usd
    machines: MachinesRangePart
    items: list[CostItemPart]


class CloudPart(TypedDict):
    """The cheapest fleet of one cloud."""

    provider: str
    fleet: list[MachinesPart]
    cost: CostPart


class ContractRatePart(TypedDict):
    """What a customer pays a service by his own contract."""

    usd_per_unit: Usd
    per: str
    as_of: Day


class PriceFromPart(TypedDict):
    """Where a service's price is from, and how sure it is."""

    certainty: Annotated[
        str, Field(description="price list, vendor's page, quotation by somebody else, or our own.")
    ]
    as_of: Day
    source: str | None
    conditions: str | None


class MonthlyPlanPart(TypedDict):
    """A plan that a service sells by the month."""

    service: str
    plan: str
    usd_per_month: Usd
    users_max: Annotated[int | None, Field(description="At once; null: not found.")]
    carries: Annotated[bool, Field(description="It is sold for as many users as the test has.")]
    price_from: PriceFromPart


class QuotePart(TypedDict):
    """What a run would be billed on a plan, or by a service."""

    tariff: str
    unit: str
    quantity: int | float
    usd: Usd | None
    as_of: Day
    runs_per_period: Annotated[
        int | None, Field(description="On a subscription: such runs that it allows.")
    ]
    of_account: Annotated[bool, Field(description="It is the plan of the account that was named.")]
    contract_rate: Annotated[
        ContractRatePart | None, Field(description="What usd rests on; null: on published prices.")
    ]


class CliffPart(TypedDict):
    """A slightly smaller or larger test whose price is a step lower or higher."""

    tariff: str
    size: Annotated[str, Field(description="What differs: injectors, users or duration_s.")]
    here: int
    there: Annotated[int, Field(description="Its number in the neighbouring test.")]
    unit: str
    quantity: int | float
    quantity_there: int | float
    usd: Usd | None
    usd_there: Usd | None
    text: str


class UnknownPart(TypedDict):
    """What is not known, or was assumed, and why."""

    field: str
    reason: str


class AlternativePart(TypedDict):
    """Machines that were not chosen."""

    kind: str
    fleet: list[MachinesPart]
    usd: Usd
    usd_more: Annotated[Usd, Field(description="Than the chosen machines.")]
    reason: str


class FasterPart(TypedDict):
    """A machine that does more for its price than the chosen main type, by measured speeds."""

    instance_type: str
    work_ratio: Annotated[
        float, Field(description="What one of its vCPUs does, all busy, by what one chosen does.")
    ]
    price_ratio: float
    measured_types: Annotated[
        list[str], Field(description="The machines that were measured: for the chosen one, for it.")
    ]
    as_of: Day


class SpeedsPart(TypedDict):
    """By which speeds of processors machines were chosen."""

    reference: Annotated[str, Field(description="The family of which a vCPU counts 100 %.")]
    as_of: Annotated[Day, Field(description="Of the newest measurement in the table.")]
    source: Annotated[str, Field(description="Of the table, as the catalogue names it.")]
    vcpu_percent: Annotated[
        dict[str, int], Field(description="How much a vCPU counts, by family of the machines.")
    ]
    not_measured: Annotated[
        list[str], Field(description="Families that count as the slowest that was measured.")
    ]


class ExplanationPart(TypedDict):
    """Why a cloud's machines were chosen."""

    provider: str
    optimal: Annotated[bool, Field(description="It is proven that no machines there are cheaper.")]
    usd_least: Annotated[Usd, Field(description="No machines there cost less.")]
    usd_linear: Annotated[Usd, Field(description="What parts of machines would cost at least.")]
    gap_percent: Annotated[float, Field(description="How far the cost is above that.")]
    alternatives: Annotated[list[AlternativePart], Field(description="Cheapest first.")]
    faster: Annotated[
        FasterPart | None,
        Field(
            description="Where every vCPU counts alike; null: no better is known, or speeds count."
        ),
    ]
    speeds: Annotated[
        SpeedsPart | None, Field(description="How much vCPUs count; null: every one alike.")
    ]


class ShiftPart(TypedDict):
    """Machines that are there together."""

    region: str
    instance_type: str
    count: int
    from_s: float
    until_s: float


class StagedCloudPart(TypedDict):
    """One cloud's machines in shifts, beside all of them all the time."""

    provider: str
    usd: Usd
    usd_static: Usd
    shifts: list[ShiftPart]


class StagedPart(TypedDict):
    """The test with injectors that come and go with its load."""

    li_minutes: int
    static_li_minutes: int
    clouds: list[StagedCloudPart]
    risk: str


class EstimateDocument(TypedDict):
    """What a load test takes and costs."""

    scenario: ScenarioPart
    load: LoadPart
    requirement: RequirementPart
    fleet: Annotated[list[MachinesPart], Field(description="The cheapest of all clouds.")]
    cost: Annotated[CostPart, Field(description="Of that fleet.")]
    clouds: Annotated[
        list[CloudPart], Field(description="Every cloud that was looked at, cheapest first.")
    ]
    quotes: list[QuotePart]
    unknown: list[UnknownPart]
    warnings: list[str]
    cliffs: list[CliffPart]
    explanation: Annotated[
        list[ExplanationPart] | None,
        Field(description="With --explain: one for each cloud, in the order of clouds."),
    ]
    staged: Annotated[StagedPart | None, Field(description="With --staged.")]


class RowPart(TypedDict):
    """One way to run the test."""

    tariff: Annotated[str, Field(description=f"A plan, a tariff, or {OWN_TARIFFS}.")]
    title: str
    kind: Annotated[str, Field(description="plan, service or own account.")]
    engines: Annotated[int | None, Field(description="Null: their number does not count.")]
    unit: str
    quantity: int | float | None
    usd: Usd | None
    contract_rate: Annotated[
        ContractRatePart | None, Field(description="What usd rests on; null: on published prices.")
    ]
    published_usd: Annotated[
        Usd | None, Field(description="What a service bills anybody; null: not found, or ours.")
    ]
    price_from: Annotated[
        PriceFromPart | None,
        Field(description="Of a service's price; null: none was found, or it is not a service's."),
    ]
    as_of: Day
    note: Annotated[str | None, Field(description="Why there is no price, and what was assumed.")]
    cliffs: list[CliffPart]


class ComparisonDocument(TypedDict):
    """The same test everywhere: cheapest first, without a price last."""

    scenario: ScenarioPart
    peak_users: int
    duration_s: float
    rows: list[RowPart]
    monthly_plans: Annotated[
        list[MonthlyPlanPart], Field(description="What services sell by the month, cheapest first.")
    ]
