"""Everything that the catalogue in use has about one machine type in one region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from msgspec import Struct

from engine.clouds import CLOUDS
from pricing.catalog import (
    Catalog,
    CoreSpeed,
    EgressTier,
    NatPrices,
    Offering,
    Price,
    Source,
    SpotPrice,
    is_stale,
)
from pricing.catalog.burstable import saturated_hourly_usd_micros
from pricing.money import format_usd

LABELS = {
    "public_ipv4": "public IPv4",
    "boot_disk": "boot disk",
    "egress": "egress",
    "nat_hour": "NAT gateway",
    "nat_gb": "NAT traffic",
}
"""What is around a machine, as people call it."""


class Shown(Struct, frozen=True):
    """One machine type in one region, with all that the catalogue has about it.

    Attributes:
        catalog: The version of the catalogue.
        offering: The machine type and its price.
        ancillary_prices: By name: what is around it.
        tiers: Egress, by what a month has sent before.
        core_speed: How much its processors do, as measured; None: nobody's measurement is at hand.
        spot: Spot prices, if they were asked for.
        sources: Of all these figures, by their keys.
    """

    catalog: str
    offering: Offering
    ancillary_prices: Mapping[str, Price]
    tiers: tuple[EgressTier, ...]
    spot: tuple[SpotPrice, ...]
    core_speed: CoreSpeed | None
    sources: Mapping[str, Source]


def look_up(catalog: Catalog, provider: str, region: str, machine_type: str) -> Shown:
    """Everything about a machine type in a region.

    Raises:
        BadInputError: A leaf of it: no such provider, region or type.
    """
    offering = catalog.offering(provider, region, machine_type)
    tiers = catalog.egress_tiers(provider, region)
    spot = catalog.spot(provider, region, machine_type)
    ancillary_prices = {
        "public_ipv4": catalog.public_ipv4(provider, region),
        "boot_disk": catalog.boot_disk(provider, region),
        "egress": tiers[0].price,
        **_nat(catalog.nat(provider, region)),
    }
    used = [offering.source, *(each.source for each in ancillary_prices.values())]
    used += [each.source for each in spot]
    speed = catalog.core_speed(provider, offering.machine.family)
    used += [] if speed is None else [speed.source]
    sources = catalog.sources()
    return Shown(
        catalog.name,
        offering,
        ancillary_prices,
        tiers,
        spot,
        speed,
        {key: sources[key] for key in dict.fromkeys(used)},
    )


def warnings_of(shown: Shown, today: date) -> Iterator[str]:
    """What is old or estimated about the figures, and what a burstable type does under load."""
    offering = shown.offering
    if is_stale(offering.as_of, today):
        yield f"the price of the machine is of {offering.as_of}, older than a year"
    for name, price in shown.ancillary_prices.items():
        label = LABELS[name]
        if price.estimated:
            yield f"the price of {label} is estimated for {offering.region}"
        if is_stale(price.as_of, today):
            yield f"the price of {label} is of {price.as_of}, older than a year"
    if offering.machine.burstable:
        yield f"{_under_load(offering)}; load tests therefore never take it"


def _under_load(offering: Offering) -> str:
    """What becomes of a burstable type whose processors are kept busy."""
    saturated = saturated_hourly_usd_micros(offering)
    if saturated is not None:
        times = saturated / offering.hourly_usd_micros
        return (
            f"with all processors busy it costs {format_usd(saturated)} USD an hour, {times:.1f} "
            "times its list price, since what exceeds its credits is billed"
        )
    if CLOUDS[offering.machine.provider].prices.surcharge is None:
        return "once its credits are used up it is throttled to its baseline"
    return "what exceeds its credits is throttled, or billed"


def _nat(nat: NatPrices | None) -> dict[str, Price]:
    return {} if nat is None else {"nat_hour": nat.hour, "nat_gb": nat.gigabyte}
