"""What the single estimate says of one row, to compare a sweep with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from engine.planning.compare import price_on_plan
from engine.planning.estimate import estimate
from engine.planning.offers import at_service, on_plan
from engine.planning.requirement import require
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from engine.sweeping.sweep import Swept
from pricing.catalog import Catalog
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.tariffs import load_tariff

CATALOG = Catalog.bundled()


@dataclass(frozen=True)
class Row:
    """One load test, as columns say it."""

    users: int
    duration_s: int
    protocol: str = "http"
    provider: str | None = None
    region: str | None = None
    instance_type: str | None = None
    plan: str = "on-demand"
    users_per_injector: int | None = None
    injectors: int | None = None

    def scenario(self) -> Scenario:
        return Scenario(
            "row",
            Protocol(self.protocol),
            closed([(0, self.users), (self.duration_s, self.users)]),
            users_per_injector=self.users_per_injector,
            injectors=self.injectors,
            machines=MachineWishes(types=(self.instance_type,) if self.instance_type else ()),
        )


@cache
def alone(row: Row) -> tuple[int, int, int, int, int]:
    """Injectors, LI-minutes, charge, machines and their cost, by the code for one load test."""
    scenario = row.scenario()
    requirement = require(scenario)
    machines, machine_usd_micros = 0, 0
    if row.provider or row.region:
        found = estimate(
            scenario,
            catalog=CATALOG,
            provider=row.provider or CATALOG.places(None, row.region)[0][0],
            regions=[row.region] if row.region else (),
        )
        machines, machine_usd_micros = found.fleet.machines, found.fleet.usd_micros
    return (
        requirement.injectors,
        requirement.li_minutes,
        charged(row),
        machines,
        machine_usd_micros,
    )


def charged(row: Row) -> int:
    """What the plan or tariff of the row charges."""
    scenario = row.scenario()
    requirement = require(scenario)
    plans = load_plans(BUNDLED_PLANS)
    if row.plan in plans:
        offer = on_plan(plans[row.plan], scenario, requirement, None)
        usd_micros = price_on_plan(plans[row.plan], offer)[0]
    else:
        usd_micros = at_service(load_tariff(row.plan), scenario, requirement).usd_micros
    assert usd_micros is not None
    return usd_micros


def columns(rows: list[Row]) -> dict[str, list[object]]:
    """The rows as columns; those of which no row has anything are left out."""
    names = Row.__dataclass_fields__
    found = {name: [getattr(row, name) for row in rows] for name in names}
    return {name: column for name, column in found.items() if any(column)}


def swept(result: Swept, row: int) -> tuple[int, int, int, int, int]:
    """One row of a sweep, as ``alone`` has it."""
    machines, usd_micros = result.machines, result.machine_usd_micros
    return (
        int(result.injectors[row]),
        int(result.li_minutes[row]),
        int(result.usd_micros[row]),
        0 if machines is None else int(machines[row]),
        0 if usd_micros is None else int(usd_micros[row]),
    )
