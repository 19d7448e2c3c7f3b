"""A load that is shared out among machines, so that losing one does not lose the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.estimate import estimate
from engine.planning.places import equal_shares
from engine.planning.spreading import FROM_INJECTORS
from engine.planning.vcpu_speeds import speed_of
from engine.readers import read_scenario
from engine.readers.scenario_request import requested_scenario, scenario_request
from engine.runs.launching.placements import placements_of
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.profile import closed
from kernel.division import ceil_div
from kernel.words import counted
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()


def users(count: int, wishes: MachineWishes | None = None, *regions: str) -> Scenario:
    return Scenario(
        "test",
        Protocol.HTTP,
        closed([(0, count), (600, count)]),
        machines=wishes or MachineWishes(),
        regions=equal_shares(regions) if regions else (),
    )


@given(
    st.sampled_from(["aws", "azure"]),
    st.integers(1, 60_000),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([(), ("us-east-1", "eu-west-1")]),
)
@settings(max_examples=40)
def test_no_machine_carries_more_than_its_share_of_a_region(
    provider: str, count: int, spread: int, mixed: bool, regions: tuple[str, ...]
) -> None:
    places = regions if provider == "aws" else ("eastus", "westeurope")[: len(regions)]
    wishes = MachineWishes(spread=spread, mixed=mixed)
    fleet = estimate(users(count, wishes, *places), catalog=CATALOG, provider=provider).fleet
    for site in fleet.sites:
        # A share is whole users, so of fewer than that several come together.
        assert site.machines >= spread or site.part.users < spread**2
        share = ceil_div(site.part.users, spread)
        assert all(ceil_div(group.users, group.count) <= share for group in site.groups)
        assert sum(group.users for group in site.groups) == site.part.users
    alone = estimate(
        users(count, MachineWishes(mixed=mixed), *places), catalog=CATALOG, provider=provider
    ).fleet
    assert alone.usd_micros <= fleet.usd_micros
    assert spread > 1 or fleet == alone


def test_the_largest_machine_can_be_bounded() -> None:
    wishes = MachineWishes(vcpus_each_max=8)
    fleet = estimate(users(20_000, wishes), catalog=CATALOG, provider="aws").fleet
    assert max(group.offering.machine.vcpus for group in fleet.groups) <= 8
    work = sum(
        group.count
        * group.offering.machine.vcpus
        * speed_of(CATALOG, group.offering.machine).percent
        for group in fleet.groups
    )
    assert work >= 80 * 100


def test_a_machine_that_carries_most_of_a_large_load_is_told_with_the_price_of_spreading() -> None:
    alike = MachineWishes(cores_alike=True)
    planned = estimate(users(20_000, alike), catalog=CATALOG, provider="aws")
    (told,) = [each for each in planned.warnings if "from one address" in each]
    assert told == (
        "aws us-east-1: one c6g.16xlarge carries 80 % of 20,000 users, from one address; spread "
        "over 4 machines (--spread 4) the test costs less than a cent more"
    )
    shared = replace(alike, spread=4)
    spread = estimate(users(20_000, shared), catalog=CATALOG, provider="aws")
    assert 0 <= spread.fleet.usd_micros - planned.fleet.usd_micros < 10_000
    assert not [each for each in spread.warnings if "from one address" in each]


def test_anywhere_spreading_costs_what_it_costs_where_the_machines_are() -> None:
    alike = users(20_000, MachineWishes(cores_alike=True))
    planned = estimate(alike, catalog=CATALOG, provider="aws", regions=("any",))
    (site,) = planned.fleet.sites
    there = estimate(alike, catalog=CATALOG, provider="aws", regions=(site.place.region,))
    told, expected = (
        [each for each in found.warnings if "from one address" in each]
        for found in (planned, there)
    )
    assert told
    assert told == expected


def test_a_small_load_and_one_that_no_machine_carries_most_of_are_not_told() -> None:
    for scenario in (
        users(500 * (FROM_INJECTORS - 1)),
        users(20_000, MachineWishes(vcpus_each_max=8)),
    ):
        planned = estimate(scenario, catalog=CATALOG, provider="aws")
        assert not [each for each in planned.warnings if "from one address" in each]


@pytest.mark.parametrize("other", ["eu-west-1", "azure"])
def test_machines_elsewhere_carry_no_more_each_either(other: str) -> None:
    scenario = users(20_000, MachineWishes(spread=4))
    or_on = ("azure",) if other == "azure" else ()
    planned = estimate(scenario, catalog=CATALOG, provider="aws", or_on=or_on)
    (placement,) = placements_of(planned, "aws", CATALOG, lambda *_: False, or_on=or_on)
    for place in (placement, *placement.elsewhere):
        assert place.count >= 4
        assert place.users / place.count <= 5_000


@pytest.mark.parametrize(
    ("count", "spread", "machines"), [(3, 4, 3), (1, 2, 1), (9, 4, 3), (13, 4, None), (40, 4, None)]
)
def test_a_spread_that_whole_users_cannot_keep_is_told(
    count: int, spread: int, machines: int | None
) -> None:
    planned = estimate(users(count, MachineWishes(spread=spread)), catalog=CATALOG, provider="aws")
    told = [each for each in planned.warnings if "asked for (--spread)" in each]
    if machines is None:
        assert told == []
        assert planned.fleet.machines >= spread
    else:
        assert planned.fleet.machines == machines
        assert told == [
            (
                f"aws us-east-1: {counted(machines, 'machine')} instead of the {spread} asked for"
                f" (--spread): its load of {counted(count, 'user')} is shared out in whole users"
            )
        ]


def test_a_reference_injector_counts_for_no_share_of_the_load() -> None:
    scenario = replace(users(3, MachineWishes(spread=4)), reference_injector=True)
    planned = estimate(scenario, catalog=CATALOG, provider="aws")
    assert planned.fleet.machines == 4
    assert any("3 machines instead of the 4 asked for" in each for each in planned.warnings)


def test_a_file_says_it_and_an_option_before_it(tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(
        "name: test\nprotocol: http\ntarget: http://127.0.0.1:1\n"
        "load: {users: 20000, duration: 10m}\nmachines: {spread: 3, vcpus_each_at_most: 32}\n"
    )
    assert read_scenario(path).machines == MachineWishes(spread=3, vcpus_each_max=32)
    for said, expected in ((None, 3), (1, 1), (5, 5)):
        request = scenario_request(path, {"spread": said})
        assert requested_scenario(request).machines.spread == expected
    given = read_scenario(path, machines=MachineWishes(spread=5)).machines
    assert given == MachineWishes(spread=5, vcpus_each_max=32)
