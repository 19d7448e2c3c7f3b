"""Machines behind a NAT gateway: no public addresses, and the gateway's hours and bytes instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.compare import compare
from engine.planning.cost_curves import cost_curves
from engine.planning.estimate import Estimate, estimate
from engine.planning.fleet import Fleet
from engine.planning.next_best import explain
from engine.planning.places import equal_shares
from engine.readers import read_scenario
from engine.scenario import MachineWishes, Protocol, Scenario
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import closed
from kernel.errors import BadInputError
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()
BEHIND_NAT = MachineWishes(nat=True)


def scenario_of(users: int = 1_000, duration_s: int = 1_000, *regions: str) -> Scenario:
    return Scenario(
        "test",
        Protocol.HTTP,
        closed([(0, users), (duration_s, users)]),
        requests_per_user_s=1.0,
        request_bytes=1_000,
        response_bytes=9_000,
        machines=BEHIND_NAT,
        regions=equal_shares(regions) if regions else (),
    )


def on(provider: str, scenario: Scenario) -> Estimate:
    return estimate(scenario, catalog=CATALOG, provider=provider)


def item(fleet: Fleet, name: str) -> int:
    return next(each.usd_micros for each in fleet.items if each.name == name)


def test_the_gateway_is_paid_by_the_hour_that_begins_and_by_the_byte_either_way() -> None:
    fleet = on("aws", scenario_of()).fleet
    # A million requests: 1 GB out and 9 GB in; 1,060 s are an hour that has begun, with an address.
    assert item(fleet, "NAT gateway") == 10 * 45_000 + 45_000 + 5_000
    (gateway,) = [each for each in fleet.items if each.name == "NAT gateway"]
    assert gateway.low_usd_micros == 10 * 45_000
    assert gateway.high_usd_micros == gateway.usd_micros
    assert item(fleet, "egress") == 90_000
    longer = on("aws", replace(scenario_of(), profile=closed([(0, 1), (3_600, 1)]))).fleet
    assert item(longer, "NAT gateway") >= 2 * 50_000


def test_machines_behind_it_have_no_public_addresses() -> None:
    scenario = scenario_of()
    behind = on("aws", scenario).fleet
    public = on("aws", replace(scenario, machines=MachineWishes())).fleet
    assert item(behind, "public addresses") == 0
    assert item(public, "public addresses") > 0
    assert not public.has_nat_gateway
    assert [each.name for each in public.items] == [
        "machines",
        "start-up",
        "disks",
        "public addresses",
        "egress",
    ]


def test_each_region_has_a_gateway_of_its_own() -> None:
    one = on("aws", scenario_of(2_000, 1_000, "us-east-1")).fleet
    two = on("aws", scenario_of(2_000, 1_000, "us-east-1", "us-east-2")).fleet
    assert item(two, "NAT gateway") == item(one, "NAT gateway") + 50_000


@pytest.fixture
def without_azures(tmp_path: Path) -> Catalog:
    """The bundled catalogue, as if nobody knew what a gateway costs on Azure."""
    folder = tmp_path / "catalog"
    shutil.copytree(CATALOG.folder, folder)
    path = folder / "surroundings.csv"
    rows = path.read_text().splitlines(keepends=True)
    kept = [row for row in rows if not (row.startswith("azure,") and ",nat-" in row)]
    assert len(kept) < len(rows)
    path.write_text("".join(kept))
    return Catalog(folder)


def test_what_nobody_knows_on_azure_is_said_and_not_taken_for_zero(
    without_azures: Catalog,
) -> None:
    result = estimate(scenario_of(), catalog=without_azures)
    assert [fleet.provider for fleet in result.clouds] == ["aws", "azure"]
    azure = result.clouds[1]
    assert not azure.has_nat_gateway
    assert azure.usd_micros < result.clouds[0].usd_micros  # and yet it does not come first
    (unknown,) = [each for each in result.unknown if each.field.endswith(".nat")]
    assert unknown.field == "clouds.azure.nat"
    assert "not known" in unknown.reason


def test_azures_gateway_is_paid_as_awss_is() -> None:
    fleet = on("azure", scenario_of(1_000, 1_000, "westeurope")).fleet
    # As long as AWS's: an hour that has begun, an address, and 10 GB either way.
    assert item(fleet, "NAT gateway") == 10 * 45_000 + 45_000 + 5_000


def test_an_account_whose_cost_is_not_whole_is_not_ranked_among_the_cheapest(
    without_azures: Catalog,
) -> None:
    rows = {row.name: row for row in compare(scenario_of(), catalog=without_azures).rows}
    assert rows["own-aws"].usd_micros is not None
    assert "a NAT gateway" in (rows["own-aws"].note or "")
    assert rows["own-azure"].usd_micros is None
    assert "what a NAT gateway costs there is not known" in (rows["own-azure"].reason or "")
    curves = cost_curves(scenario_of(), ("own-aws", "on-demand"), catalog=without_azures)
    assert [curve.name for curve in curves] == ["own-aws", "on-demand"]


def test_prices_that_are_estimated_elsewhere_are_told() -> None:
    warnings = on("aws", scenario_of(10, 600, "eu-west-3")).warnings
    assert any("a NAT gateway is estimated" in each for each in warnings)
    assert not any("public addresses" in each for each in warnings)
    assert not any("NAT" in each for each in on("aws", scenario_of(10, 600)).warnings)


def test_the_gateway_is_in_what_the_next_best_machines_cost() -> None:
    result = on("aws", scenario_of(9_000))
    (explanation,) = explain(result, CATALOG)
    assert explanation.is_optimal
    assert explanation.least_usd_micros == result.fleet.usd_micros
    assert all(other.fleet.has_nat_gateway for other in explanation.alternatives)


@given(
    users=st.integers(1, 100_000),
    duration_s=st.integers(1, 20_000),
    more_users=st.integers(0, 50_000),
    more_s=st.integers(0, 10_000),
    regions=st.sampled_from([(), ("any",), ("us-*", "eu-west-1")]),
)
@settings(max_examples=50)
def test_r3_behind_a_gateway_more_users_or_more_time_never_cost_less(
    users: int, duration_s: int, more_users: int, more_s: int, regions: tuple[str, ...]
) -> None:
    small = scenario_of(users + 1, duration_s, *regions)
    large = scenario_of(users + 1 + more_users, duration_s + more_s, *regions)
    before, after = on("aws", small).fleet, on("aws", large).fleet
    assert before.usd_micros <= after.usd_micros
    assert before.low_usd_micros <= after.low_usd_micros
    assert before.high_usd_micros <= after.high_usd_micros
    for fleet in (before, after):
        for each in fleet.items:
            assert 0 <= each.low_usd_micros <= each.usd_micros <= each.high_usd_micros


def test_a_file_and_an_option_can_ask_for_it(tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    path.write_text("name: t\nload: {users: 10, duration: 10m}\nmachines: {network: nat}\n")
    assert read_scenario(path).machines == BEHIND_NAT
    path.write_text("name: t\nload: {users: 10, duration: 10m}\n")
    assert read_scenario(path, machines=BEHIND_NAT).machines == BEHIND_NAT
    assert not read_scenario(path).machines.nat
    path.write_text("name: t\nload: {users: 10, duration: 10m}\nmachines: {network: vpn}\n")
    with pytest.raises(BadInputError, match="network"):
        read_scenario(path)


def test_it_comes_back_from_json_and_a_scenario_without_it_has_the_form_of_before() -> None:
    scenario = scenario_of()
    assert scenario_from_json(scenario_to_json(scenario)) == scenario
    other = replace(scenario, machines=MachineWishes(families=("c7g",)))
    assert "nat" not in scenario_to_json(other)["machines"]
    assert scenario_from_json(scenario_to_json(other)) == other
