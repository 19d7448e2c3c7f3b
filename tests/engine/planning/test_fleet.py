"""The cheapest machines, and everything they cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.capacity import capacity_of, demand_of
from engine.planning.fleet import Fleet, cheapest_fleet
from engine.planning.machines import candidates, host_of
from engine.planning.needs import NO_WISHES
from engine.planning.places import equal_shares, places_on
from engine.planning.requirement import ImpossibleLoadError, require
from engine.planning.vcpu_speeds import speed_of
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from pricing.catalog import Catalog, MachineType
from pricing.money import SECONDS_PER_HOUR, divide_half_up

REGIONS = {
    "aws": ("us-east-1", "eu-west-1", "sa-east-1"),
    "azure": ("eastus", "westeurope", "brazilsouth"),
}


def scenario_of(users: int, duration_s: int = 600, protocol: Protocol = Protocol.HTTP) -> Scenario:
    return Scenario("test", protocol, closed([(0, users), (duration_s, users)]))


def fleet_of(scenario: Scenario, provider: str = "aws") -> Fleet:
    catalog = Catalog.bundled()
    requirement = require(scenario)
    names = [part.region for part in requirement.regions]
    places = places_on(provider, names, catalog, may_stand_in=False)
    return cheapest_fleet(scenario, requirement, catalog=catalog, provider=provider, places=places)


@st.composite
def placed_scenarios(draw: st.DrawFn) -> tuple[Scenario, str]:
    provider = draw(st.sampled_from(tuple(CLOUDS)))
    fixed = draw(st.sampled_from(["nothing", "payload", "injectors"]))
    users = draw(st.integers(10, 200_000))
    scenario = replace(
        scenario_of(users, draw(st.integers(1, 20_000)), draw(st.sampled_from(Protocol))),
        requests_per_user_s=draw(st.none() | st.floats(0.01, 20)),
        request_bytes=draw(st.none() | st.integers(0, 10_000)),
        response_bytes=draw(st.none() | st.integers(0, 100_000)),
        regions=equal_shares(draw(st.lists(st.sampled_from(REGIONS[provider]), unique=True))),
        users_per_injector=draw(st.integers(1, 2_000)) if fixed == "payload" else None,
        injectors=draw(st.integers(3, 10)) if fixed == "injectors" else None,
        reference_injector=draw(st.booleans()),
    )
    return scenario, provider


@given(placed_scenarios())
def test_a_fleet_is_never_under_capacity(placed: tuple[Scenario, str]) -> None:
    scenario, provider = placed
    fleet = fleet_of(scenario, provider)
    reference = 1 if scenario.reference_injector else 0
    for site in fleet.sites:
        assert sum(group.users for group in site.groups) == site.part.users + reference
    assert sum(site.part.users for site in fleet.sites) == scenario.profile.peak_users
    for group in fleet.groups:
        assert group.count * group.users_per_machine >= group.users >= group.count
        assert not group.offering.machine.burstable


@given(placed_scenarios())
def test_costs_come_with_a_range_around_them(placed: tuple[Scenario, str]) -> None:
    scenario, provider = placed
    fleet = fleet_of(scenario, provider)
    names = [item.name for item in fleet.items]
    assert names == ["machines", "start-up", "disks", "public addresses", "egress"]
    for item in fleet.items:
        assert 0 <= item.low_usd_micros <= item.usd_micros <= item.high_usd_micros
    assert fleet.low_usd_micros <= fleet.usd_micros <= fleet.high_usd_micros


def test_rounding_leaves_no_item_out_of_order_and_no_sum_changed() -> None:
    fleet = fleet_of(replace(scenario_of(1_036, 1), requests_per_user_s=1.0, request_bytes=1))
    for item in fleet.items:
        assert 0 <= item.low_usd_micros <= item.usd_micros <= item.high_usd_micros
    monthly = fleet.sites[0].monthly_usd_micros
    assert sum(item.low_usd_micros for item in fleet.items[:4]) == divide_half_up(
        monthly * CLOUDS["aws"].prices.billing.minimum_s, 730 * 3_600
    )


@given(placed_scenarios(), st.integers(0, 100_000), st.integers(0, 10_000))
def test_r3_more_users_or_more_time_never_cost_less(
    placed: tuple[Scenario, str], more_users: int, more_s: int
) -> None:
    scenario, provider = placed
    users, duration_s = scenario.profile.peak_users, int(scenario.profile.duration_s)
    assert users is not None
    larger = replace(
        scenario,
        profile=closed([(0, users + more_users), (duration_s + more_s, users + more_users)]),
    )
    before, after = fleet_of(scenario, provider), fleet_of(larger, provider)
    assert before.usd_micros <= after.usd_micros
    assert before.low_usd_micros <= after.low_usd_micros
    assert before.high_usd_micros <= after.high_usd_micros


@given(
    provider=st.sampled_from(tuple(CLOUDS)),
    protocol=st.sampled_from(Protocol),
    users=st.integers(1, 3_000),
)
@settings(max_examples=40)
def test_no_machines_of_the_region_would_be_cheaper(
    provider: str, protocol: Protocol, users: int
) -> None:
    scenario = scenario_of(users, protocol=protocol)
    demand = demand_of(scenario)
    catalog = Catalog.bundled()
    region = REGIONS[provider][0]
    around = catalog.boot_disk(provider, region).usd_micros + (
        730 * catalog.public_ipv4(provider, region).usd_micros
    )
    cheapest: dict[int, int] = {}
    for offering in catalog.offerings(provider, region):
        host = host_of(offering.machine, speed_of(catalog, offering.machine))
        carried = min(users, capacity_of(host, demand).users)
        monthly = 730 * offering.hourly_usd_micros + around
        if carried and not offering.machine.burstable:
            cheapest[carried] = min(monthly, cheapest.get(carried, monthly))
    table = [0]
    for carried in range(1, users + 1):
        table.append(min(table[max(0, carried - own)] + cheapest[own] for own in cheapest))
    (site,) = fleet_of(scenario, provider).sites
    assert site.monthly_usd_micros == site.least_monthly_usd_micros == table[users]
    assert site.linear_monthly_usd_micros <= table[users]


def test_only_machine_types_that_can_win_are_looked_at() -> None:
    catalog = Catalog.bundled()
    for provider, regions in REGIONS.items():
        kept = candidates(catalog, provider, regions[0], NO_WISHES)
        assert 0 < len(kept) < len(catalog.offerings(provider, regions[0])) / 3


def test_machines_are_billed_from_their_start_to_the_end_of_the_test() -> None:
    fleet = fleet_of(scenario_of(1_000, 600))
    machines, start_up = fleet.items[0], fleet.items[1]
    hourly = sum(group.hourly_usd_micros for group in fleet.groups)
    assert machines.usd_micros == divide_half_up(hourly * 600, SECONDS_PER_HOUR)
    assert machines.usd_micros + start_up.usd_micros == divide_half_up(
        hourly * 660, SECONDS_PER_HOUR
    )
    assert machines.low_usd_micros + start_up.low_usd_micros == divide_half_up(
        hourly * 630, SECONDS_PER_HOUR
    )
    assert machines.high_usd_micros + start_up.high_usd_micros == divide_half_up(
        hourly * 720, SECONDS_PER_HOUR
    )


def test_a_short_test_pays_the_minimum_of_its_cloud() -> None:
    fleet, azure = fleet_of(scenario_of(1_000, 1), "azure"), CLOUDS["azure"]
    hourly = sum(group.hourly_usd_micros for group in fleet.groups)
    assert azure.start_up.expected_s + 1 < azure.prices.billing.minimum_s
    machines, start_up = fleet.items[0], fleet.items[1]
    assert machines.usd_micros + start_up.usd_micros == divide_half_up(
        hourly * 300, SECONDS_PER_HOUR
    )


def test_egress_is_what_all_users_send_at_the_first_paid_price() -> None:
    scenario = replace(
        scenario_of(1_000, 1_000), requests_per_user_s=2.0, request_bytes=1_000, response_bytes=1
    )
    egress = fleet_of(scenario).items[4]
    assert egress.usd_micros == 2 * 90_000  # 2 GB at 0.09 USD
    assert egress.low_usd_micros == 0  # within the free 100 GB
    large = replace(scenario, request_bytes=100_000)
    assert fleet_of(large).items[4].usd_micros == 200 * 90_000
    assert fleet_of(large).items[4].low_usd_micros == 100 * 90_000


def test_an_assumed_size_widens_the_range_of_egress() -> None:
    scenario = replace(scenario_of(100_000, 10_000), requests_per_user_s=1.0)
    egress = fleet_of(scenario).items[4]
    assert egress.usd_micros == 1_000 * 90_000
    assert egress.low_usd_micros == 400 * 90_000
    assert egress.high_usd_micros == 4_000 * 90_000


def test_a_reference_injector_has_a_machine_of_its_own() -> None:
    without = fleet_of(replace(scenario_of(500), injectors=1))
    with_one = fleet_of(replace(scenario_of(500), injectors=1, reference_injector=True))
    assert with_one.groups[:-1] == without.groups
    assert (with_one.groups[-1].count, with_one.groups[-1].users) == (1, 1)


def test_fixed_injectors_are_hosted_whole() -> None:
    groups = fleet_of(replace(scenario_of(10_000), injectors=7)).groups
    assert sum(group.count * (group.offering.machine.vcpus // 2) for group in groups) >= 7
    assert sum(group.part.injectors for group in groups) == 7
    assert sum(group.users for group in groups) == 10_000


@pytest.mark.parametrize(
    ("vcpus", "baseline", "expected"),
    [
        (4, 1_250, 1_250),
        (16, 12_500, 5_000),
        (32, 12_500, 6_250),
        (32, 7_000, 5_000),
        (4, None, None),
    ],
)
def test_aws_gives_the_internet_five_gigabits_or_from_32_vcpus_half(
    vcpus: int, baseline: int | None, expected: int | None
) -> None:
    machine = MachineType("aws", "t", "t", vcpus, 4_096, "x86_64", baseline, 99_999, False)  # noqa: FBT003 - as in the catalogue
    assert host_of(machine).send_mbps == expected
    assert host_of(machine).receive_mbps == expected


def test_azure_limits_what_is_sent_only() -> None:
    machine = MachineType("azure", "t", "t", 4, 4_096, "x86_64", None, 12_500, False)  # noqa: FBT003 - as in the catalogue
    assert (host_of(machine).send_mbps, host_of(machine).receive_mbps) == (12_500, None)


def test_a_user_that_no_machine_carries_is_refused() -> None:
    scenario = replace(scenario_of(10), requests_per_user_s=0.01, request_bytes=0)
    greedy = replace(scenario, connections_per_user=30_000)
    requirement = replace(require(scenario), demand=demand_of(greedy))
    catalog = Catalog.bundled()
    places = places_on("aws", [None], catalog, may_stand_in=False)
    with pytest.raises(ImpossibleLoadError, match="no machine type of aws in us-east-1 carries"):
        cheapest_fleet(greedy, requirement, catalog=catalog, provider="aws", places=places)


def test_egress_beyond_ten_terabytes_has_the_price_of_its_tier() -> None:
    scenario = replace(
        scenario_of(100_000, 10_000),
        requests_per_user_s=1.0,
        request_bytes=20_000,
        response_bytes=1,
    )
    egress = fleet_of(scenario).items[4]
    paid = 10_140 * 90_000 + (20_000 - 10_140) * 85_000  # the free 100 GB are used up
    assert egress.usd_micros == egress.high_usd_micros == paid
    assert egress.low_usd_micros == paid - 100 * 85_000
    elsewhere = replace(scenario, regions=equal_shares(["sa-east-1"]))
    assert fleet_of(elsewhere).items[4].usd_micros == 10_140 * 150_000 + 9_860 * 138_000
    without_tiers = replace(scenario, regions=equal_shares(["us-east-2"]))
    assert fleet_of(without_tiers).items[4].usd_micros == 20_000 * 90_000
