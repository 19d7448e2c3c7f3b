"""Which region is chosen when what it sends is dear: by its own price, never by a missing one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.planning.estimate import estimate
from engine.planning.fleet import Fleet
from engine.planning.places import equal_shares
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()


def heavy(region: str, *, nat: bool = False) -> Scenario:
    """2,000 users for ten minutes that send 15 kB in each request: 18 GB."""
    return Scenario(
        "heavy",
        Protocol.HTTP,
        closed([(0, 2_000), (600, 2_000)]),
        requests_per_user_s=1.0,
        request_bytes=15_000,
        response_bytes=1_000,
        machines=MachineWishes(nat=nat),
        regions=equal_shares([region]),
    )


def fleet_in(provider: str, region: str, *, nat: bool = False) -> Fleet:
    return estimate(heavy(region, nat=nat), catalog=CATALOG, provider=provider).fleet


def egress_of(fleet: Fleet) -> int:
    return next(each.usd_micros for each in fleet.items if each.name == "egress")


def test_egress_is_paid_at_the_price_of_the_region() -> None:
    assert egress_of(fleet_in("aws", "us-east-1")) == 18 * 90_000
    assert egress_of(fleet_in("aws", "ap-south-1")) == 18 * 109_300
    assert egress_of(fleet_in("aws", "sa-east-1")) == 18 * 150_000


@pytest.mark.parametrize("nat", [False, True])
@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_any_takes_the_region_that_is_cheapest_with_all_that_it_sends(
    provider: str, nat: bool
) -> None:
    best = fleet_in(provider, "any", nat=nat)
    by_name = {
        region: fleet_in(provider, region, nat=nat).usd_micros
        for region in CATALOG.regions(provider)
    }
    assert best.usd_micros == min(by_name.values())
    place = best.sites[0].place
    assert not CATALOG.egress(place.provider, place.region).estimated


def test_a_region_whose_egress_is_not_known_never_wins_by_that() -> None:
    # At the least that Mexico's egress may cost it would be as cheap as any in North America.
    unknown = CATALOG.egress("azure", "mexicocentral")
    assert unknown.low_usd_micros == CATALOG.egress("azure", "eastus").usd_micros
    there = fleet_in("azure", "mexicocentral")
    assert egress_of(there) == 18 * 181_000
    assert there.low_usd_micros < there.usd_micros
    taken = (
        estimate(
            replace(heavy("any"), regions=equal_shares(["*central"])),
            catalog=CATALOG,
            provider="azure",
        )
        .fleet.sites[0]
        .place.region
    )
    assert not CATALOG.egress("azure", taken).estimated


def test_what_is_not_known_is_said() -> None:
    warnings = estimate(heavy("mexicocentral"), catalog=CATALOG, provider="azure").warnings
    assert "azure mexicocentral: the price of egress is estimated: 0.087 to 0.181 USD per GB" in (
        warnings
    )
