"""Parts that more than one document has, and numbers as JSON shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from engine.planning.cliffs import in_words
from engine.planning.fleet import Fleet
from engine.planning.regional_fleet import FleetGroup
from engine.scenario import Scenario
from pricing.money import format_cents, format_usd
from pricing.tariffs import Cliff, ContractRate, PublishedPrice

if TYPE_CHECKING:
    from loadmuster.documents.shapes import (
        CliffPart,
        ContractRatePart,
        MachinesPart,
        PriceFromPart,
        ScenarioPart,
    )


def scenario_part(scenario: Scenario) -> ScenarioPart:
    """Which test it was."""
    return {
        "name": scenario.name,
        "protocol": scenario.protocol.value,
        "format": scenario.format,
    }


def machines_of(fleet: Fleet) -> list[MachinesPart]:
    """The machines of a cloud, type by type."""
    return [_machines(group) for group in fleet.groups]


def cliff_part(cliff: Cliff) -> CliffPart:
    """A cliff in JSON, with the sentence that people read."""
    here, there = cliff.price_here, cliff.price_there
    return {
        "tariff": here.tariff,
        "size": cliff.size.value,
        "here": cliff.here,
        "there": cliff.there,
        "unit": here.unit,
        "quantity": number(here.quantity),
        "quantity_there": number(there.quantity),
        "usd": usd(here.usd_micros),
        "usd_there": usd(there.usd_micros),
        "text": in_words(cliff),
    }


def number(quantity: int | Decimal) -> int | float:
    """A quantity in JSON: units are numbers there, money never is."""
    return float(quantity) if isinstance(quantity, Decimal) else quantity


def usd(usd_micros: int | None) -> str | None:
    """Decimal dollars in whole cents; None where there is no price."""
    return None if usd_micros is None else format_cents(usd_micros)


def contract_rate_part(rate: ContractRate | None) -> ContractRatePart | None:
    """What a customer pays a service by contract; None: what is published."""
    if rate is None:
        return None
    return {
        "usd_per_unit": format_usd(rate.usd_micros_per_unit),
        "per": rate.unit,
        "as_of": rate.as_of.isoformat(),
    }


def price_from_part(found: PublishedPrice | None) -> PriceFromPart | None:
    """Where a price is from; None: there is none, or it is the customer's own."""
    if found is None:
        return None
    return {
        "certainty": found.certainty.value,
        "as_of": found.as_of.isoformat(),
        "source": found.source,
        "conditions": found.conditions,
    }


def _machines(group: FleetGroup) -> MachinesPart:
    offering = group.offering
    return {
        "provider": offering.machine.provider,
        "region": offering.region,
        "instance_type": offering.machine.name,
        "count": group.count,
        "usd_per_hour": format_usd(offering.hourly_usd_micros),
        "vcpus": offering.machine.vcpus,
        "memory_mib": offering.machine.memory_mib,
        "architecture": offering.machine.architecture,
        "users": group.users,
        "users_per_machine": group.users_per_machine,
        "binding": group.binding,
        "as_of": offering.as_of.isoformat(),
    }
