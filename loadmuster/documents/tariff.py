"""The documents of tariffs: all of them, the rules of one, and what one bills for a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadmuster.documents.parts import contract_rate_part, number, price_from_part, usd
from pricing.money import format_usd
from pricing.tariffs import ContractRate, Example, Rates, Tariff, TariffPrice


def tariffs_document(tariffs: Sequence[Tariff], rates: Rates) -> dict[str, Any]:
    """Tariffs as ``tariff list`` prints them: what is published, and the contract rates beside."""
    return {"tariffs": [_summary(each, rates.get(each.name)) for each in tariffs]}


def tariff_document(versions: Sequence[Tariff], rate: ContractRate | None) -> dict[str, Any]:
    """A tariff in every version, as ``tariff show`` prints it; the oldest version first.

    Args:
        versions: At least one, as ``tariff_versions`` gives them.
        rate: The contract rate, if there is one.
    """
    oldest = versions[0]
    return {
        "tariff": oldest.name,
        "title": oldest.title,
        "contract_rate": contract_rate_part(rate),
        "versions": [_rule(version) for version in versions],
    }


def contract_rates_document(kept: Sequence[ContractRate], file: Path) -> dict[str, Any]:
    """Which contract rates ``tariff set`` has kept, and where."""
    return {
        "rates": [{"tariff": rate.tariff, **(contract_rate_part(rate) or {})} for rate in kept],
        "path": str(file),
    }


def forgotten_rate_document(name: str, *, was_set: bool) -> dict[str, Any]:
    """What ``tariff unset`` answers with."""
    return {"tariff": name, "was_set": was_set}


def price_document(
    charge: TariffPrice, warnings: Sequence[str], rate: ContractRate | None
) -> dict[str, Any]:
    """A price as ``tariff price --json`` prints it; ``rate`` is the contract rate it rests on."""
    unknown = [] if charge.unknown is None else [{"field": "usd", "reason": charge.unknown}]
    return {
        "tariff": charge.tariff,
        "version": charge.version.isoformat(),
        "unit": charge.unit,
        "quantity": number(charge.quantity),
        "startup_quantity": number(charge.startup_quantity),
        "injectors": charge.injectors,
        "usd": usd(charge.usd_micros),
        "startup_usd": usd(charge.startup_usd_micros),
        "contract_rate": contract_rate_part(rate),
        "as_of": charge.as_of.isoformat(),
        "steps": list(charge.steps),
        "unknown": unknown,
        "warnings": list(warnings),
    }


def rate(version: Tariff) -> str | None:
    """The price of a unit in decimal dollars; None: not found, or the machine's."""
    return None if version.usd_micros_per_unit is None else format_usd(version.usd_micros_per_unit)


def why_no_rate(version: Tariff) -> str:
    """Why a unit has no price of its own."""
    if version.machines_of:
        return f"the price of the machine that is chosen on {version.machines_of}"
    assert version.no_price is not None, version.name
    return version.no_price


def _summary(version: Tariff, rate_by_contract: ContractRate | None) -> dict[str, Any]:
    return {
        "tariff": version.name,
        "title": version.title,
        "version": version.version.isoformat(),
        "unit": version.unit,
        "usd_per_unit": rate(version),
        "contract_rate": contract_rate_part(rate_by_contract),
        "as_of": version.as_of.isoformat(),
        "superseded_by": version.superseded_by,
    }


def _rule(version: Tariff) -> dict[str, Any]:
    return {
        "version": version.version.isoformat(),
        "as_of": version.as_of.isoformat(),
        "unit": version.unit,
        "counts": version.counts.value,
        "unit_s": version.unit_s,
        "quantum_s": version.quantum_s,
        "rounding": version.rounding.value,
        "floors": [
            {"up_to_injectors": floor.up_to_injectors, "minimum_s": floor.minimum_s}
            for floor in version.floors
        ],
        "floor_users_per_injector": version.floor_users_per_injector,
        "extra_injectors": version.extra_injectors,
        "users_per_injector": dict(version.users_per_injector),
        "theoretical_users_per_injector": dict(version.theoretical_users_per_injector),
        "multipliers": dict(version.multipliers),
        "cancellation": version.cancellation.value,
        "usd_per_unit": rate(version),
        "unit_tiers": [
            {"from_units": tier.from_units, "usd_per_unit": format_usd(tier.usd_micros)}
            for tier in version.unit_tiers
        ],
        "listed_on": version.listed_on,
        "price_from": price_from_part(version.price_from),
        "usd_per_user": format_usd(version.usd_micros_per_user),
        "machines_of": version.machines_of,
        "usd_per_sent_gb": format_usd(version.usd_micros_per_sent_gb),
        "sources": list(version.sources),
        "notes": list(version.notes),
        "examples": [_example(example) for example in version.examples],
        "no_example": version.no_example,
        "unknown": (
            [] if rate(version) else [{"field": "usd_per_unit", "reason": why_no_rate(version)}]
        ),
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "source": example.source,
        "says": example.says,
        "quantity": number(example.quantity),
        "usd": usd(example.usd_micros),
    }
