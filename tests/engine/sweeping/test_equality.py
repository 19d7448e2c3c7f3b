"""Each row of a sweep is, to the micro-dollar, the single estimate of that load test."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clouds import CLOUDS
from engine.planning.covering_bound import Piece
from engine.planning.covering_knapsack import cheapest_cover
from engine.planning.fleet import market_of
from engine.planning.machines import MONTH_S
from engine.planning.places import CandidateRegion
from engine.planning.regional_fleet import RegionalFleet, cheapest_site
from engine.planning.requirement import RegionRequirement, require
from engine.scenario import Protocol
from engine.sweeping.compiled_memory import PAST_CACHES_ROWS
from engine.sweeping.machine_prices import least_prices
from engine.sweeping.sweep import sweep
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.tariffs import load_tariff, tariff_names
from tests.engine.sweeping.singles import CATALOG, Row, alone, charged, columns, swept

PLACES = (
    ("aws", "us-east-1"),
    ("aws", "eu-west-1"),
    ("aws", "ap-east-1"),
    ("azure", "eastus"),
    ("azure", "westeurope"),
)
PROTOCOLS = tuple(Protocol)


def spread(rng: random.Random, most: int) -> int:
    """A number from 1 to about ``most``, evenly by its logarithm."""
    return max(1, int(most ** rng.random()))


def check(rows: list[Row], *, compiled: bool = False) -> None:
    result = sweep(columns(rows), compiled=compiled)
    assert not result.problems
    for number, row in enumerate(rows):
        assert swept(result, number) == alone(row), row


@pytest.mark.early
@pytest.mark.parametrize("compiled", [False, True])
def test_rows_with_a_place_are_the_single_estimate(compiled: bool) -> None:
    rng = random.Random(11)
    rows = [
        Row(
            spread(rng, 2_000_000),
            spread(rng, 500_000),
            rng.choice(PROTOCOLS).value,
            *rng.choice(PLACES),
        )
        for _ in range(400)
    ]
    check(rows, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_with_fixed_payloads_or_injectors_are_the_single_estimate(compiled: bool) -> None:
    rng = random.Random(12)
    rows = []
    for _ in range(150):
        users = spread(rng, 300_000)
        payload = max(users // 100_000 + 1, spread(rng, 20_000))
        fixed = spread(rng, min(users, 10_000))
        which = rng.randrange(3)
        rows.append(
            Row(
                users,
                spread(rng, 20_000),
                rng.choice(PROTOCOLS).value,
                *rng.choice(PLACES[:4]),
                users_per_injector=payload if which == 0 else None,
                injectors=fixed if which == 1 else None,
            )
        )
    check(rows, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_of_one_machine_type_are_the_estimate_with_a_wish_for_it(compiled: bool) -> None:
    rng = random.Random(13)
    types = {"aws": ("c7i.xlarge", "m6i.large", "c6g.medium"), "azure": ("Standard_D4s_v5",)}
    rows = []
    for _ in range(200):
        provider, region = rng.choice((PLACES[0], PLACES[3]))
        instance_type = rng.choice(types[provider])
        row = Row(
            spread(rng, 500_000), spread(rng, 90_000), "http", provider, region, instance_type
        )
        rows.append(row)
    check(rows, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_that_send_more_than_a_tier_holds_are_the_single_estimate(compiled: bool) -> None:
    # 1 kB a second and user: the second tier begins at 10 TB a month, the last at 150.
    places = (
        ("aws", "us-east-1"),
        ("aws", "sa-east-1"),
        ("azure", "eastus"),
        ("azure", "japaneast"),
    )
    rows = [
        Row(users, duration_s, "http", *place)
        for place in places
        for users in (115_741, 1_000_000, 3_456_789)
        for duration_s in (3_600, 86_000, 86_400)
    ]
    check(rows, compiled=compiled)
    for provider, region in places:
        check([row for row in rows if row.region == region], compiled=compiled)
        assert len(CATALOG.egress_tiers(provider, region)) > 1 or region == "japaneast"


def test_rows_may_name_a_region_alone_a_provider_alone_or_no_place() -> None:
    check(
        [
            Row(4_321, 600, "http", None, "westeurope"),
            Row(4_321, 600, "http", "aws", None),
            Row(4_321, 600, "browser"),
        ]
    )


def test_every_plan_and_every_priced_tariff_bills_what_it_bills_alone() -> None:
    rng = random.Random(14)
    names = [
        name
        for name in (*load_plans(BUNDLED_PLANS), *tariff_names())
        if name in load_plans(BUNDLED_PLANS)
        or (
            load_tariff(name).usd_micros_per_unit is not None
            and load_tariff(name).machines_of is None
        )
    ]
    assert len(names) > 14
    rows = [
        Row(spread(rng, 200_000), spread(rng, 100_000), "http", plan=name)
        for name in names
        for _ in range(25)
    ]
    check(rows)
    check([Row(40, 6_000, "http", plan=name, users_per_injector=7) for name in names])


def test_units_beyond_a_tier_are_billed_as_they_are_alone() -> None:
    check(
        [
            Row(users, duration_s, "http", plan="azure-load-testing")
            for users in (9_999, 10_000, 10_001, 777_777)
            for duration_s in (3_599, 3_600, 3_601, 86_400, 31_622_400)
        ]
    )


def test_the_largest_bills_are_exact_beyond_64_bits() -> None:
    rows = [
        Row(1_000_000, 366 * 86_400, "http", plan=name, users_per_injector=1)
        for name in ("on-demand", "starter", "gatling")
    ]
    check(rows)
    check(rows, compiled=True)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=6),
    st.lists(st.integers(1, 3_000), min_size=1, max_size=20),
)
def test_the_table_of_prices_is_the_cheapest_cover(
    pieces: list[tuple[int, int]], loads: list[int]
) -> None:
    table = least_prices(pieces)
    for load in loads:
        cover = cheapest_cover([Piece(*each) for each in pieces], load)
        assert cover is not None
        assert table.look_up(load) == (cover.price, sum(cover.counts))


@pytest.mark.parametrize("provider", tuple(CLOUDS))
def test_numpy_and_numba_give_the_same(provider: str) -> None:
    rng = np.random.default_rng(15)
    count = 20_000
    regions = CATALOG.regions(provider)[:4]
    many = {
        "users": (10 ** rng.uniform(0, 6.6, count)).astype(np.int64),
        "duration_s": (10 ** rng.uniform(0, 7.4, count)).astype(np.int64),
        "provider": provider,
        "region": rng.choice(regions, count),
        "protocol": rng.choice(["http", "websocket", "jmeter"], count),
    }
    alike = many | {"region": regions[0], "protocol": "http"}
    # Most of these chunks lie in one tier of egress, the first or a later one.
    by_tier = {
        "users": np.arange(100_000, 1_000_000, 45),
        "duration_s": np.array([86_400]),
        "region": CLOUDS[provider].prices.default_region,
    }
    for each in (many, alike, alike | by_tier, alike | {"users": np.array([70_000])}):
        plain, fast = sweep(each, compiled=False), sweep(each, compiled=True, threads=2)
        for name in ("injectors", "li_minutes", "usd_micros", "machines", "machine_usd_micros"):
            assert np.array_equal(getattr(plain, name), getattr(fast, name)), name


@pytest.mark.parametrize("threads", [1, 3])
def test_columns_that_are_written_past_the_caches_are_the_same(threads: int) -> None:
    rng = np.random.default_rng(18)
    count = 3 * PAST_CACHES_ROWS + 1_237
    every = {
        "users": rng.integers(1, 400_000, count),
        "duration_s": rng.integers(1, 14_400, count),
    }
    # One row in three hundred is too large for doubles, or in another tier of egress.
    every["users"][::300] = rng.integers(1, 400_000_000, len(every["users"][::300]))
    every["duration_s"][::700] = 31_000_000
    by_payload = {**every, "users_per_injector": rng.choice([500, 999, 4_000], count)}
    for some in (by_payload, {**every, "region": "us-east-1"}):
        plain, fast = sweep(some, compiled=False), sweep(some, compiled=True, threads=threads)
        for (name, expected), (_, found) in zip(plain.columns(), fast.columns(), strict=True):
            assert (expected is None) == (found is None), name
            if expected is not None and found is not None:
                assert np.array_equal(expected, found), name


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_million_random_rows_are_the_single_estimate() -> None:
    """Rows are drawn from some 120,000 different ones, and each of these is estimated once."""
    rng = np.random.default_rng(16)
    count = 1_000_000
    sizes = np.unique((10 ** rng.uniform(0, 6.3, 300)).astype(np.int64))
    lengths_s = np.unique((10 ** rng.uniform(0, 6, 10)).astype(np.int64))
    place = rng.integers(0, len(PLACES), count)
    protocol = rng.integers(0, len(PROTOCOLS), count)
    columns_of_rows = {
        "users": rng.choice(sizes, count),
        "duration_s": rng.choice(lengths_s, count),
        "protocol": np.array([each.value for each in PROTOCOLS])[protocol],
        "region": np.array([region for _, region in PLACES])[place],
    }
    result = sweep(columns_of_rows)
    assert not result.problems
    rows = zip(
        columns_of_rows["users"].tolist(),
        columns_of_rows["duration_s"].tolist(),
        protocol.tolist(),
        place.tolist(),
        strict=True,
    )
    names = ("injectors", "li_minutes", "usd_micros", "machines", "machine_usd_micros")
    found = zip(*(getattr(result, name).tolist() for name in names), strict=True)
    for row, estimates in zip(rows, found, strict=True):
        assert estimates == _estimated(*row), row


@cache
def _estimated(
    users: int, duration_s: int, protocol_no: int, place_no: int
) -> tuple[int, int, int, int, int]:
    """As ``estimate`` has it, which would look for the same machines for every length again."""
    row = Row(users, duration_s, PROTOCOLS[protocol_no].value)
    scenario = row.scenario()
    requirement = require(scenario)
    provider, region = PLACES[place_no]
    market = market_of(scenario, requirement, catalog=CATALOG, provider=provider)
    fleet = market.fleet([_site(users, protocol_no, provider, region)])
    return (
        requirement.injectors,
        requirement.li_minutes,
        charged(row),
        fleet.machines,
        fleet.usd_micros,
    )


@cache
def _site(users: int, protocol_no: int, provider: str, region: str) -> RegionalFleet:
    scenario = Row(users, MONTH_S, PROTOCOLS[protocol_no].value).scenario()
    requirement = require(scenario)
    needs = market_of(scenario, requirement, catalog=CATALOG, provider=provider).needs
    part = RegionRequirement(region, users, requirement.injectors, 0)
    site = cheapest_site(part, CandidateRegion(provider, region), needs, CATALOG)
    assert site is not None
    return site
