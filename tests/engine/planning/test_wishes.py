"""What is wished of the machines: families, architecture, numbers, one type, any region."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.estimate import Estimate, estimate
from engine.planning.fleet import Fleet
from engine.planning.next_best import explain
from engine.planning.places import equal_shares
from engine.planning.requirement import ImpossibleLoadError
from engine.readers import read_scenario
from engine.runs.launching.placements import placements_of
from engine.scenario import MachineWishes, Protocol, RegionShare, Scenario
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import closed
from kernel.errors import BadInputError
from pricing.catalog import Catalog, UnknownFamilyError, UnknownRegionError

CATALOG = Catalog.bundled()


def users(count: int, wishes: MachineWishes | None = None, *regions: str) -> Scenario:
    return Scenario(
        "test",
        Protocol.HTTP,
        closed([(0, count), (600, count)]),
        machines=wishes or MachineWishes(),
        regions=equal_shares(regions) if regions else (),
    )


def on(provider: str, scenario: Scenario) -> Fleet:
    return estimate(scenario, catalog=CATALOG, provider=provider).fleet


def types(fleet: Fleet) -> list[tuple[int, str]]:
    return [(group.count, group.offering.machine.name) for group in fleet.groups]


def test_a_smaller_machine_carries_the_remainder() -> None:
    alike = MachineWishes(cores_alike=True)
    assert types(on("aws", users(17_000, alike))) == [(1, "c6g.16xlarge"), (1, "c6g.xlarge")]


def test_one_type_can_be_wished_for() -> None:
    mixed = on("aws", users(17_000))
    uniform = on("aws", users(17_000, MachineWishes(mixed=False)))
    assert len(uniform.groups) == 1
    assert uniform.usd_micros > mixed.usd_micros


@given(
    st.sampled_from(["aws", "azure"]),
    st.integers(1, 100_000),
    st.sampled_from(["x86_64", "arm64", None]),
    st.none() | st.integers(1, 30),
    st.none() | st.integers(2, 2_000),
    st.booleans(),
)
@settings(max_examples=60)
def test_every_wish_is_kept_or_the_load_refused(
    provider: str,
    count: int,
    architecture: str | None,
    machines_max: int | None,
    vcpus_max: int | None,
    mixed: bool,
) -> None:
    wishes = MachineWishes((), architecture, machines_max, vcpus_max, mixed)
    try:
        fleet = on(provider, users(count, wishes))
    except ImpossibleLoadError:
        assert machines_max is not None or vcpus_max is not None
        return
    groups = fleet.groups
    assert sum(each.count * each.users_per_machine for each in groups) >= count
    assert all(architecture in {None, each.offering.machine.architecture} for each in groups)
    assert machines_max is None or sum(each.count for each in groups) <= machines_max
    vcpus = sum(each.count * each.offering.machine.vcpus for each in groups)
    assert vcpus_max is None or vcpus <= vcpus_max
    assert mixed or len(groups) == 1
    assert on(provider, users(count)).usd_micros <= fleet.usd_micros


def test_only_wished_families_are_taken_and_clouds_without_them_left_out() -> None:
    planned = estimate(users(9_000, MachineWishes(families=("c7g", "m7g"))), catalog=CATALOG)
    assert [fleet.provider for fleet in planned.clouds] == ["aws"]
    assert {group.offering.machine.family for group in planned.fleet.groups} == {"c7g"}
    assert "clouds.azure" in [each.field for each in planned.unknown]


def test_only_machines_of_a_wished_type_are_taken() -> None:
    fleet = on("aws", users(9_000, MachineWishes(types=("c7i.xlarge",))))
    assert types(fleet) == [(9, "c7i.xlarge")]
    assert fleet.usd_micros > on("aws", users(9_000)).usd_micros
    with pytest.raises(ImpossibleLoadError, match=r"us-east-1: types c7i\.hug .*; burstable"):
        on("aws", users(9_000, MachineWishes(types=("c7i.hug",))))


def test_a_family_that_nobody_has_is_refused() -> None:
    with pytest.raises(UnknownFamilyError, match="c7"):
        on("aws", users(10, MachineWishes(families=("c77g",))))


def test_burstable_machines_are_not_taken_even_if_wished_for() -> None:
    with pytest.raises(ImpossibleLoadError, match="burstable types are never taken"):
        on("aws", users(10, MachineWishes(families=("t3",))))


def test_too_few_machines_are_refused_with_the_least_number() -> None:
    with pytest.raises(ImpossibleLoadError, match="take at least 4 machines") as refused:
        on("aws", users(90_000, MachineWishes(machines_max=2)))
    assert refused.value.facts["machines_min"] == 4


def test_the_machines_are_counted_over_all_regions() -> None:
    both = ("us-east-1", "eu-west-1")
    free = on("aws", users(90_000, None, *both))
    within = on("aws", users(90_000, MachineWishes(machines_max=5), *both))
    assert sum(site.machines for site in free.sites) > 5
    assert sum(site.machines for site in within.sites) <= 5
    assert free.usd_micros < within.usd_micros
    # Every way to give five machines to the two regions.
    shared = [
        estimate(
            users(45_000, MachineWishes(machines_max=number), region),
            catalog=CATALOG,
            provider="aws",
        )
        .fleet.sites[0]
        .monthly_usd_micros
        for number, region in ((2, both[0]), (3, both[1]), (3, both[0]), (2, both[1]))
    ]
    assert sum(site.monthly_usd_micros for site in within.sites) == min(
        shared[0] + shared[1], shared[2] + shared[3]
    )
    with pytest.raises(ImpossibleLoadError, match="3 machines of aws cannot carry the load"):
        on("aws", users(90_000, MachineWishes(machines_max=3), *both))


@pytest.mark.parametrize("provider", ["aws", "azure"])
@pytest.mark.parametrize("count", [100, 3_700, 60_000])
def test_any_region_is_the_cheapest_of_all(provider: str, count: int) -> None:
    chosen = on(provider, users(count, None, "any"))
    every = {
        region: on(provider, users(count, None, region)).usd_micros
        for region in CATALOG.regions(provider)
    }
    assert chosen.usd_micros == every[chosen.sites[0].place.region] == min(every.values())


def test_a_pattern_leaves_the_choice_among_the_regions_that_match() -> None:
    fleet = on("aws", users(1_000, None, "eu-*", "us-west-2"))
    first, second = fleet.sites
    assert first.place.region.startswith("eu-")
    assert second.place.region == "us-west-2"
    with pytest.raises(UnknownRegionError, match="no cloud has a region 'moon-\\*'"):
        on("aws", users(1_000, None, "moon-*"))


def test_a_user_that_needs_more_memory_than_an_injector_has_is_refused() -> None:
    with pytest.raises(ImpossibleLoadError, match="a single user takes more memory"):
        on("aws", replace(users(10), memory_mib_per_user=2_000_000))


def test_memory_per_user_bounds_the_users_of_a_machine() -> None:
    fleet = on("aws", replace(users(100), memory_mib_per_user=1_000))
    assert {group.binding for group in fleet.groups} == {"memory"}
    (group, *_) = fleet.groups
    usable_mib = group.offering.machine.memory_mib * 9 // 10 - 256
    assert group.users_per_machine == usable_mib // 1_000


def test_a_file_says_its_wishes_and_the_command_line_replaces_them(tmp_path: Path) -> None:
    path = tmp_path / "wishes.yaml"
    path.write_text(
        "name: wishes\nload: {users: 10, duration: 1m}\nmemory_mib_per_user: 5\nregions: ['eu-*']\n"
        "machines: {families: [c7g], architecture: arm64, at_most: 3, vcpus_at_most: 8, "
        "mixed: false, types: [c7g.large]}\n"
    )
    scenario = read_scenario(path)
    assert scenario.machines == MachineWishes(
        ("c7g",), "arm64", 3, 8, mixed=False, types=("c7g.large",)
    )
    assert (scenario.memory_mib_per_user, scenario.regions) == (5, (RegionShare("eu-*"),))
    assert scenario_from_json(scenario_to_json(scenario)) == scenario
    given_too = read_scenario(path, machines=MachineWishes(machines_max=9, types=("c7g.xlarge",)))
    assert given_too.machines == MachineWishes(
        ("c7g",), "arm64", 9, 8, mixed=False, types=("c7g.xlarge",)
    )


def test_a_scenario_without_wishes_is_stored_as_before_there_were_any() -> None:
    document = scenario_to_json(users(10))
    assert not {"machines", "memory_mib_per_user"} & document.keys()
    assert scenario_from_json(document) == users(10)


def test_a_run_launches_what_the_estimate_shows_with_users_by_what_machines_carry() -> None:
    alike = MachineWishes(cores_alike=True)
    planned = estimate(users(17_000, alike, "us-east-1"), catalog=CATALOG, provider="aws")
    placements = placements_of(planned, "aws", CATALOG)
    assert [(each.count, each.machine_types[0]) for each in placements] == types(planned.fleet)
    assert [each.users for each in placements] == [16_000, 1_000]
    assert all(each.elsewhere == () for each in placements), "the region was chosen"


def test_a_choice_of_regions_is_also_where_a_run_may_go_instead() -> None:
    planned = estimate(users(1_200, None, "eu-*"), catalog=CATALOG, provider="aws")
    placement = placements_of(planned, "aws", CATALOG)[0]
    assert len(placement.elsewhere) == 2
    assert all(each.region.startswith("eu-") for each in placement.options)


def explained(scenario: Scenario) -> Estimate:
    return estimate(scenario, catalog=CATALOG)


def test_what_was_not_chosen_costs_more_and_says_why() -> None:
    planned = explained(users(17_500))
    for explanation, fleet in zip(explain(planned, CATALOG), planned.clouds, strict=True):
        assert explanation.fleet is fleet
        assert explanation.is_optimal
        assert explanation.linear_usd_micros <= fleet.usd_micros == explanation.least_usd_micros
        assert explanation.gap_percent < 1
        kinds = [each.kind for each in explanation.alternatives]
        assert {"other type", "one type", "other family", "other architecture"} <= set(kinds)
        extra = [each.more_usd_micros for each in explanation.alternatives]
        assert extra == sorted(extra)
        for each in explanation.alternatives:
            assert each.reason
            assert each.fleet.usd_micros == fleet.usd_micros + each.more_usd_micros
            assert each.more_usd_micros >= 0 or each.kind == "other region"


def test_what_was_wished_for_holds_for_what_was_not_chosen_too() -> None:
    planned = explained(users(17_500, MachineWishes(architecture="x86_64", machines_max=3)))
    for explanation in explain(planned, CATALOG):
        for each in explanation.alternatives:
            assert sum(group.count for group in each.fleet.groups) <= 3
            assert {group.offering.machine.architecture for group in each.fleet.groups} == {
                "x86_64"
            }


def test_wishes_that_no_cloud_can_keep_are_bad_input() -> None:
    with pytest.raises(BadInputError, match="take at least"):
        estimate(users(90_000, MachineWishes(machines_max=1)), catalog=CATALOG)


def test_a_type_that_stands_in_for_one_with_a_fixed_payload_hosts_as_many_injectors() -> None:
    planned = estimate(
        replace(users(64, MachineWishes(mixed=False)), users_per_injector=2),
        catalog=CATALOG,
        provider="aws",
    )
    (group,) = planned.fleet.groups
    hosted = -(-planned.requirement.injectors // group.count)
    assert hosted > 1
    (placement,) = placements_of(planned, "aws", CATALOG)
    for name in placement.machine_types:
        assert CATALOG.offering("aws", "us-east-1", name).machine.vcpus // 2 >= hosted
