"""The documents of the catalogue: regions and machine types, and one of them with all prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from engine.catalogs.shown import Shown, warnings_of
from engine.clouds import CLOUDS
from pricing.catalog import Catalog, CoreSpeed, Offering, Price
from pricing.catalog.burstable import saturated_hourly_usd_micros
from pricing.money import format_usd


def catalog_document(
    catalog: Catalog, places: Sequence[tuple[str, str]], offerings: Sequence[Offering]
) -> dict[str, Any]:
    """Regions, and machine types with their prices, as ``catalog list`` prints them.

    Args:
        catalog: Whose they are.
        places: Provider and region.
        offerings: Of those places.
    """
    return {
        "regions": [region_document(catalog, *place) for place in places],
        "offerings": [offering_document(each) for each in offerings],
    }


def shown_document(shown: Shown, today: date) -> dict[str, Any]:
    """A machine type and what surrounds it, as ``catalog show`` prints it."""
    offering = shown.offering
    rule = CLOUDS[offering.machine.provider].prices.billing
    saturated = saturated_hourly_usd_micros(offering)
    return {
        **offering_document(offering),
        "catalog": shown.catalog,
        "saturated_usd_per_hour": None if saturated is None else format_usd(saturated),
        "billing": {"minimum_s": rule.minimum_s, "step_s": rule.step_s},
        "core_speed": _core_speed(shown.core_speed),
        "surroundings": {name: _price(price) for name, price in shown.ancillary_prices.items()},
        "egress_tiers": [
            {"from_gb": tier.from_gb, "usd": format_usd(tier.price.usd_micros)}
            for tier in shown.tiers
        ],
        "spot": [
            {
                "zone": price.zone or None,
                "usd_per_hour": format_usd(price.hourly_usd_micros),
                "as_of": price.as_of.isoformat(),
            }
            for price in shown.spot
        ],
        "sources": {
            key: {"title": source.title, "address": source.address}
            for key, source in shown.sources.items()
        },
        "warnings": list(warnings_of(shown, today)),
    }


def _core_speed(speed: CoreSpeed | None) -> dict[str, Any] | None:
    if speed is None:
        return None
    return {
        "measured_type": speed.measured_type,
        "single_thread": speed.single_thread,
        "busy_vcpu": speed.busy_vcpu,
        "threads_per_core": speed.threads_per_core,
        "as_of": speed.as_of.isoformat(),
        "source": speed.source,
    }


def region_document(in_use: Catalog, provider: str, region: str) -> dict[str, Any]:
    """A region as JSON: how many machine types it has, and how old their prices are."""
    offerings = in_use.offerings(provider, region)
    return {
        "provider": provider,
        "region": region,
        "machine_types": len(offerings),
        "oldest_as_of": min(offering.as_of for offering in offerings).isoformat(),
        "newest_as_of": max(offering.as_of for offering in offerings).isoformat(),
    }


def offering_document(offering: Offering) -> dict[str, Any]:
    """An offering as JSON."""
    machine = offering.machine
    return {
        "provider": machine.provider,
        "region": offering.region,
        "instance_type": machine.name,
        "family": machine.family,
        "vcpus": machine.vcpus,
        "memory_mib": machine.memory_mib,
        "architecture": machine.architecture,
        "network_baseline_mbps": machine.network_baseline_mbps,
        "network_burst_mbps": machine.network_burst_mbps,
        "burstable": machine.burstable,
        "usd_per_hour": format_usd(offering.hourly_usd_micros),
        "as_of": offering.as_of.isoformat(),
        "source": offering.source,
    }


def _price(price: Price) -> dict[str, Any]:
    low, high = price.low_usd_micros, price.high_usd_micros
    return {
        "usd": format_usd(price.usd_micros),
        "per": price.per,
        "estimated": price.estimated,
        "usd_low": None if low is None else format_usd(low),
        "usd_high": None if high is None else format_usd(high),
        "as_of": price.as_of.isoformat(),
        "source": price.source,
    }
