"""A burstable type under steady load, and egress by tier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.catalog import Catalog, EgressTier, Price, egress_cost
from pricing.catalog.burstable import saturated_hourly_usd_micros
from pricing.money import BYTES_PER_GB

BUNDLED = Catalog.bundled()
TIERS = BUNDLED.egress_tiers("aws", "us-east-1")


def expected(price: Price) -> int:
    return price.usd_micros


@pytest.mark.parametrize(
    ("name", "usd_micros"),
    [
        ("t3.nano", 5_200 + 95_000),  # 2 vCPU less 6 credits: 114 minutes at 0.05 an hour
        ("t3.medium", 41_600 + 80_000),
        ("t4g.medium", 33_600 + 64_000),
        ("t3a.2xlarge", 300_800 + 240_000),
    ],
)
def test_a_saturated_t_type_pays_for_what_its_credits_do_not_cover(
    name: str, usd_micros: int
) -> None:
    assert saturated_hourly_usd_micros(BUNDLED.offering("aws", "us-east-1", name)) == usd_micros


def test_a_saturated_t3_medium_costs_three_times_its_price_and_more_than_c5_large() -> None:
    medium = BUNDLED.offering("aws", "us-east-1", "t3.medium")
    saturated = saturated_hourly_usd_micros(medium)
    assert saturated is not None
    assert saturated / medium.hourly_usd_micros == pytest.approx(2.9, abs=0.05)
    assert saturated > BUNDLED.offering("aws", "us-east-1", "c5.large").hourly_usd_micros


def test_every_t_type_of_the_catalogue_is_known_saturated_and_no_other_machine_is() -> None:
    for offering in BUNDLED.offerings("aws", "us-east-1"):
        saturated = saturated_hourly_usd_micros(offering)
        assert (saturated is not None) == offering.machine.burstable
        assert saturated is None or saturated > offering.hourly_usd_micros
    for offering in BUNDLED.offerings("azure", "eastus"):
        assert saturated_hourly_usd_micros(offering) is None


@pytest.mark.parametrize(
    ("paid_gb", "usd_micros"),
    [
        (0, 0),
        (1, 90_000),
        (10_140, 10_140 * 90_000),
        (10_141, 10_140 * 90_000 + 85_000),
        (51_100, 10_140 * 90_000 + 40_960 * 85_000),
        (200_000, 10_140 * 90_000 + 40_960 * 85_000 + 102_400 * 70_000 + 46_500 * 50_000),
    ],
)
def test_each_gigabyte_has_the_price_of_its_tier(paid_gb: int, usd_micros: int) -> None:
    cost = egress_cost(TIERS, paid_gb * BYTES_PER_GB, expected, free_gb=100)
    assert cost == usd_micros * BYTES_PER_GB


def test_where_no_tiers_are_known_the_first_price_holds_for_all() -> None:
    tiers = BUNDLED.egress_tiers("aws", "ap-northeast-2")
    assert egress_cost(tiers, 10**15, expected, free_gb=100) == 10**15 * 126_000


def test_a_first_tier_that_begins_where_the_free_ones_end_is_the_same() -> None:
    shifted = (EgressTier(100, TIERS[0].price), *TIERS[1:])
    as_counted = egress_cost(TIERS, 10**14, expected, free_gb=100)
    assert egress_cost(shifted, 10**14, expected, free_gb=100) == as_counted


def test_the_first_tier_is_the_price_that_stands_among_the_surroundings() -> None:
    assert BUNDLED.egress("aws", "us-east-1").usd_micros == 90_000
    assert BUNDLED.egress("azure", "eastus").usd_micros == 87_000


@given(st.integers(0, 10**18), st.integers(0, 10**18))
def test_r3_more_bytes_never_cost_less_and_never_more_than_at_the_first_price(
    sent: int, more: int
) -> None:
    cost = egress_cost(TIERS, sent, expected, free_gb=100)
    assert cost <= egress_cost(TIERS, sent + more, expected, free_gb=100)
    assert cost <= sent * TIERS[0].price.usd_micros
