"""Speeds of processors count: machines carry what they do, and the cheapest do the work."""

from __future__ import annotations

import random
import shutil
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.capacity import Host, capacity_of, demand_of
from engine.planning.estimate import estimate
from engine.planning.fleet import Fleet
from engine.planning.machines import around_monthly_usd_micros, host_of
from engine.planning.next_best import explain
from engine.planning.places import equal_shares
from engine.planning.vcpu_speeds import ALIKE, LONE_CORE_PERCENT, VcpuSpeed, speed_of
from engine.readers import read_scenario
from engine.scenario import MachineWishes, Measured, Protocol, Scenario
from engine.scenario.profile import closed
from loadmuster.documents.explained import explanation_part
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()


def users(count: int, wishes: MachineWishes | None = None, region: str = "us-east-1") -> Scenario:
    return Scenario(
        "users",
        Protocol.HTTP,
        closed([(0, count), (600, count)]),
        machines=wishes or MachineWishes(),
        regions=equal_shares([region]),
    )


def fleet_of(scenario: Scenario, provider: str = "aws") -> Fleet:
    return estimate(scenario, catalog=CATALOG, provider=provider).fleet


def families_of(fleet: Fleet) -> set[str]:
    return {group.offering.machine.family for group in fleet.groups}


@pytest.mark.parametrize(
    ("provider", "family", "percent"),
    [
        ("aws", "c7i", 100),
        ("aws", "c6g", 98),
        ("aws", "c8g", 124),
        ("aws", "c5", 70),
        ("aws", "c7a", 139),
        ("azure", "Fsv2", 66),
        ("azure", "Dplsv6", 167),
    ],
)
def test_a_vcpu_counts_by_what_it_does_while_all_are_busy(
    provider: str, family: str, percent: int
) -> None:
    types = CATALOG.machine_types(provider).values()
    for machine in types:
        if machine.family == family:
            assert speed_of(CATALOG, machine) == VcpuSpeed(percent, LONE_CORE_PERCENT)


def test_the_machine_that_costs_a_sixth_more_and_does_a_quarter_more_wins() -> None:
    fleet = fleet_of(users(50_000, MachineWishes(families=("c6g", "c8g"))))
    large = max(fleet.groups, key=lambda group: group.users)
    assert large.offering.machine.family == "c8g"
    alike = MachineWishes(families=("c6g", "c8g"), cores_alike=True)
    assert families_of(fleet_of(users(50_000, alike))) == {"c6g"}


def test_one_injector_of_published_users_is_one_machine_of_the_reference() -> None:
    fleet = fleet_of(users(500, MachineWishes(families=("c7i",))))
    (group,) = fleet.groups
    assert (group.count, group.offering.machine.name) == (1, "c7i.large")
    assert group.users_per_machine == 500


def test_a_core_of_its_own_is_told_from_a_thread_of_a_busy_one() -> None:
    """What was measured by itself takes longer where a sibling works on the same core."""
    demand = replace(demand_of(users(1)), payload=None)
    alone, shared = Host(2, 65_536, None, None), Host(2, 65_536, None, None, 100, LONE_CORE_PERCENT)
    assert capacity_of(shared, demand).users == capacity_of(alone, demand).users * 100 // 130


def test_what_nobody_measured_counts_as_the_slowest_and_is_told() -> None:
    slowest = min(
        speed_of(CATALOG, each).percent
        for provider in ("aws", "azure")
        for each in CATALOG.machine_types(provider).values()
    )
    unknown = next(
        each for each in CATALOG.machine_types("azure").values() if each.family == "Dsv3"
    )
    assert speed_of(CATALOG, unknown).percent == slowest == 59
    wishes = MachineWishes(families=("Dsv3",))
    planned = estimate(users(2_000, wishes, "eastus"), catalog=CATALOG, provider="azure")
    (told,) = [each for each in planned.unknown if each.field == "clouds.azure.speed"]
    assert "Dsv3 does was not measured" in told.reason
    assert "59 % of one of c7i" in told.reason
    (explained,) = explain(planned, CATALOG)
    assert explained.speeds is not None
    assert [each.is_measured for each in explained.speeds.families] == [False]


def test_the_range_is_wide_where_nobody_measured_the_machines() -> None:
    known = Measured(1_000, 990, 1_010, 1_000_000, 40, "a calibration", is_speed_known=True)
    spread = {}
    for family in ("Dsv3", "Dsv4"):
        wishes = MachineWishes(families=(family,))
        scenario = replace(users(20_000, wishes, "eastus"), measured=known, response_bytes=1_000)
        machines = fleet_of(scenario, "azure").items[0]
        assert machines.name == "machines"
        spread[family] = machines.high_usd_micros / machines.low_usd_micros
    assert spread["Dsv4"] < 1.1
    assert spread["Dsv3"] > 1.9


def test_a_fixed_payload_and_the_wish_count_every_vcpu_alike() -> None:
    for scenario in (
        replace(users(5_000), users_per_injector=500),
        users(5_000, MachineWishes(cores_alike=True)),
    ):
        planned = estimate(scenario, catalog=CATALOG, provider="aws")
        assert sum(g.count * g.offering.machine.vcpus for g in planned.fleet.groups) == 20
        (explained,) = explain(planned, CATALOG)
        assert explained.speeds is None
        assert explanation_part(explained)["speeds"] is None


def test_plans_count_the_same_injectors_whatever_the_speed() -> None:
    by_speed = estimate(users(7_777), catalog=CATALOG)
    alike = estimate(users(7_777, MachineWishes(cores_alike=True)), catalog=CATALOG)
    assert by_speed.requirement == alike.requirement
    assert by_speed.quotes == alike.quotes


def test_a_catalogue_without_speeds_counts_every_vcpu_alike(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(CATALOG.folder, folder)
    (folder / "core-speeds.csv").unlink()
    bare = Catalog(folder)
    machine = bare.machine_types("aws")["c8g.large"]
    assert speed_of(bare, machine) == ALIKE
    planned = estimate(users(1_000), catalog=bare, provider="aws")
    (explained,) = explain(planned, bare)
    assert explained.speeds is None


@given(st.integers(1, 192), st.integers(0, 191), st.integers(1, 200), st.integers(0, 100))
def test_more_or_faster_vcpus_never_carry_fewer(
    vcpus: int, more: int, percent: int, faster: int
) -> None:
    for protocol in (Protocol.HTTP, Protocol.BROWSER, Protocol.WEBSOCKET):
        demand = demand_of(replace(users(1), protocol=protocol))
        least = Host(vcpus, 400_000, None, None, percent, LONE_CORE_PERCENT)
        for other in (
            replace(least, vcpus=vcpus + more),
            replace(least, vcpu_percent=percent + faster),
        ):
            assert capacity_of(other, demand).users >= capacity_of(least, demand).users


@cache
def pieces_in(provider: str, region: str, protocol: Protocol) -> dict[int, int]:
    """The least monthly price of a machine by what it carries, of all that are not burstable."""
    demand = demand_of(replace(users(1), protocol=protocol))
    around = around_monthly_usd_micros(CATALOG, provider, region, nat=False)
    found: dict[int, int] = {}
    for each in CATALOG.offerings(provider, region):
        if not each.machine.burstable:
            host = host_of(each.machine, speed_of(CATALOG, each.machine))
            carried = capacity_of(host, demand).users
            monthly = 730 * each.hourly_usd_micros + around
            if carried:
                found[carried] = min(monthly, found.get(carried, monthly))
    return found


def check_against_own_solver(seed: int) -> None:
    """The least price for every load up to it, one user after the other."""
    at_random = random.Random(seed)
    provider = at_random.choice(["aws", "azure"])
    region = at_random.choice(CATALOG.regions(provider))
    protocol = at_random.choice(
        [Protocol.HTTP, Protocol.BROWSER, Protocol.POSTMAN, Protocol.JMETER]
    )
    count = at_random.randint(1, 4_000)
    pieces = sorted(pieces_in(provider, region, protocol).items())
    least = [0]
    for target in range(1, count + 1):
        least.append(min(price + least[max(0, target - own)] for own, price in pieces))
    scenario = replace(users(count, region=region), protocol=protocol)
    (site,) = fleet_of(scenario, provider).sites
    assert site.monthly_usd_micros == least[count] == site.least_monthly_usd_micros, seed


@pytest.mark.parametrize("seed", range(8))
def test_no_other_machines_do_the_work_for_less(seed: int) -> None:
    check_against_own_solver(seed)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_no_other_machines_do_the_work_for_less_over_many_loads() -> None:
    for seed in range(8, 500):
        check_against_own_solver(seed)


def test_a_file_and_its_run_keep_the_wish(tmp_path: Path) -> None:
    path = tmp_path / "load.yaml"
    path.write_text(
        "name: a\ntarget: https://shop.example\nload: {users: 10, duration: 1m}\n"
        "machines: {cores_alike: true}\n"
    )
    assert read_scenario(path).machines.cores_alike
