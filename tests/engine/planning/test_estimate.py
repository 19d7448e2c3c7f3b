"""The whole estimate: clouds, quotes, what is unknown, and what to mind."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.planning.estimate import Estimate, PlannedLoad, Unknown, estimate
from engine.planning.offers import TariffOffer
from engine.planning.places import equal_shares
from engine.scenario import Protocol, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from kernel.errors import BadInputError
from pricing.catalog import Catalog, UnknownProviderError, UnknownRegionError
from pricing.plans.on_sale import BUNDLED_PLANS, find_plan
from pricing.plans.quotes import quote_run
from pricing.tariffs import LoadSize

TODAY = date(2026, 11, 21)


@pytest.fixture
def at_home(thousand_users: Scenario) -> Scenario:
    """A scenario that leaves nothing to be assumed."""
    return replace(thousand_users, requests_per_user_s=0.5, request_bytes=900, response_bytes=3_500)


def bare(name: str, users: int, duration_s: int) -> Scenario:
    """A load that is flat from its start, and of which nothing is assumed."""
    return Scenario(
        name,
        Protocol.HTTP,
        closed([(0, users), (duration_s, users)]),
        requests_per_user_s=0.5,
        request_bytes=1,
        response_bytes=1,
    )


def estimated(scenario: Scenario, catalog: Catalog, provider: str = "any") -> Estimate:
    return estimate(scenario, catalog=catalog, provider=provider, at=TODAY)


def offer(estimate: Estimate, name: str) -> TariffOffer:
    return next(each for each in estimate.quotes if each.name == name)


def test_the_cheapest_cloud_comes_first(at_home: Scenario, small_catalog: Catalog) -> None:
    result = estimated(at_home, small_catalog)
    assert [fleet.provider for fleet in result.clouds] == ["azure", "aws"]
    assert result.fleet is result.clouds[0]
    assert result.fleet.usd_micros < result.clouds[1].usd_micros


def test_one_provider_alone_can_be_asked_for(at_home: Scenario, small_catalog: Catalog) -> None:
    (fleet,) = estimated(at_home, small_catalog, provider="aws").clouds
    (group,) = fleet.groups
    assert (group.count, group.offering.machine.name) == (1, "c6g.xlarge")


def test_the_load_of_a_closed_model_has_no_arrivals(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimated(at_home, small_catalog)
    assert result.load == PlannedLoad(1_000, 2_400.0, 2_400_000.0, None)
    assert Unknown("load.arrivals", "a closed model: users wait for their responses") in (
        result.unknown
    )


def test_the_load_of_an_open_model_has_arrivals(at_home: Scenario, small_catalog: Catalog) -> None:
    curve = Curve((Point(0, 0), Point(100, 10)))
    known = estimated(replace(at_home, profile=OpenProfile(curve, iteration_s=3.0)), small_catalog)
    assert known.load == PlannedLoad(30, 100.0, 1_500.0, 500.0)
    capped = estimated(replace(at_home, profile=OpenProfile(curve, max_users=20)), small_catalog)
    assert capped.load == PlannedLoad(20, 100.0, None, 500.0)
    assert "load.user_seconds" in [each.field for each in capped.unknown]


def test_r27_on_demand_is_quoted_in_money(at_home: Scenario, small_catalog: Catalog) -> None:
    ours = offer(estimated(at_home, small_catalog), "on-demand")
    # 80 LI-minutes at 0.15 and 1,000 users at 0.002.
    assert (ours.quantity, ours.usd_micros) == (80, 14_000_000)
    usage = LoadSize(injectors=2, users=1_000, duration_s=2_400)
    assert ours.quote == quote_run(find_plan("on-demand", BUNDLED_PLANS), usage, TODAY)


def test_r28_r30_a_subscription_is_quoted_in_li_minutes_and_runs(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    starter = offer(estimated(at_home, small_catalog), "starter")
    assert (starter.quantity, starter.usd_micros, starter.runs_per_period) == (80, None, 22)


def test_r28_an_account_on_a_subscription_sees_no_prices_of_other_plans(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimate(
        at_home, catalog=small_catalog, at=TODAY, plan=find_plan("starter", BUNDLED_PLANS)
    )
    ours = [each for each in result.quotes if each.quote is not None]
    assert [(each.name, each.is_of_account, each.usd_micros) for each in ours] == [
        ("starter", True, None)
    ]


def test_services_are_counted_by_their_own_users_per_injector(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimated(at_home, small_catalog)
    assert (offer(result, "loadview").unit, offer(result, "loadview").quantity) == ("LI-minute", 80)
    assert (offer(result, "gatling").unit, offer(result, "gatling").quantity) == ("credit", 80)
    assert offer(result, "gatling").usd_micros == 64_000_000
    (assumed,) = [each for each in result.unknown if each.field == "quotes.gatling.quantity"]
    assert assumed.reason == (
        "35,000 http users an injector are Gatling Enterprise's theoretical limit, which would be "
        "1 injector; counted on 2, as for our plans"
    )


def test_a_price_that_was_not_found_is_unknown_and_not_zero(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimated(at_home, small_catalog)
    assert offer(result, "loadview").usd_micros is None
    assert "quotes.loadview.usd" in [each.field for each in result.unknown]


def test_a_service_without_a_number_for_the_protocol_is_counted_on_ours_and_says_so(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimated(replace(at_home, protocol=Protocol.JMETER), small_catalog)
    assert result.requirement.injectors == 4
    assert offer(result, "gatling").quantity == 160
    assert Unknown(
        "quotes.gatling.quantity",
        "Gatling Enterprise publishes no number of jmeter users per injector; "
        "counted on 4, as for our plans",
    ) in (result.unknown)


def test_what_had_to_be_assumed_is_said(thousand_users: Scenario, small_catalog: Catalog) -> None:
    eager = replace(thousand_users, user_classes=(UserClass("eager", think_time_s=(0, 0)),))
    reasons = {each.field: each.reason for each in estimated(eager, small_catalog).unknown}
    assert reasons["scenario.requests_per_user_second"] == (
        "the user class 'eager' has no think time; assumed 1 a second and user"
    )
    assert reasons["scenario.payload.request_bytes"].endswith("assumed 1,000 bytes")
    assert reasons["scenario.payload.response_bytes"].endswith("assumed 16,000 bytes")


def test_a_bandwidth_that_nobody_publishes_is_said(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    there = replace(at_home, regions=equal_shares(["northeurope"]))
    result = estimated(there, small_catalog, provider="azure")
    assert result.fleet.groups[0].offering.machine.name == "Standard_F1"
    assert Unknown(
        "clouds.azure.network",
        "the bandwidth of Standard_F1 is not published; it was not checked",
    ) in (result.unknown)


def test_nothing_to_mind_is_no_warnings(at_home: Scenario, small_catalog: Catalog) -> None:
    assert estimated(at_home, small_catalog, provider="aws").warnings == ()


def test_old_and_estimated_prices_are_warned_of(at_home: Scenario, small_catalog: Catalog) -> None:
    there = replace(at_home, regions=equal_shares(["eu-west-1"]))
    assert estimated(there, small_catalog, provider="aws").warnings == (
        "aws eu-west-1: the price of c6g.xlarge is of 2022-11-22, more than a year old",
        (
            "aws eu-west-1: the machines known there are those of 2022-11-22: 3 of aws's 4 types; "
            "newer ones may be cheaper"
        ),
        "aws eu-west-1: the price of egress is estimated: 0.09 to 0.155 USD per GB",
    )
    undated = estimate(there, catalog=small_catalog, provider="aws")
    assert len(undated.warnings) == 1


@pytest.mark.parametrize("region", ["eu-west-3", "ap-southeast-3", "af-south-1"])
def test_a_region_whose_list_is_of_2022_says_how_few_types_are_known_there(
    at_home: Scenario, region: str
) -> None:
    bundled = Catalog.bundled()
    there = replace(at_home, regions=equal_shares([region]))
    known = len(bundled.offerings("aws", region))
    warnings = estimated(there, bundled, provider="aws").warnings
    assert any(f"those of 2022-11-22: {known} of aws's 613 types" in each for each in warnings)
    new = replace(at_home, regions=equal_shares(["eu-central-1"]))
    assert not any("types; newer" in each for each in estimated(new, bundled, "aws").warnings)


def test_r33_a_payload_above_the_recommended_one_is_warned_of(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    (warning,) = estimated(replace(at_home, injectors=1), small_catalog, "aws").warnings
    assert warning.startswith("1,000 users on an injector, but 500 are recommended")


def test_a_test_below_the_floor_is_told_of_the_floor(small_catalog: Catalog) -> None:
    short = bare("short", 5_000, 180)
    assert estimated(short, small_catalog, "aws").warnings == (
        "3m counts as 5m for each of 10 injectors; a test of 5m takes the same LI-minutes",
    )


def test_a_fleet_just_above_a_floor_is_told_of_the_cliff(small_catalog: Catalog) -> None:
    edge = bare("edge", 50_500, 180)
    assert estimated(edge, small_catalog, "aws").warnings[1] == (
        "100 injectors instead of 101, with 505 users each: 500 instead of 1,515 LI-minutes "
        "(176.00 instead of 328.25 USD)"
    )


def test_one_user_beyond_full_injectors_is_told_of_the_cheaper_neighbour(
    small_catalog: Catalog,
) -> None:
    two_regions = equal_shares(["us-east-1", "eu-west-1"])
    edge = replace(bare("edge", 1_002, 3_600), regions=two_regions)
    result = estimated(edge, small_catalog, "aws")
    assert result.requirement.injectors == 4
    assert (
        "1,001 users instead of 1,002: 180 instead of 240 LI-minutes (29.00 instead of 38.00 USD)"
    ) in result.warnings
    at_the_edge = estimated(
        replace(edge, profile=closed([(0, 1_000), (3_600, 1_000)])), small_catalog, "aws"
    )
    assert [(each.here, each.there) for each in at_the_edge.cliffs] == [(1_000, 1_001)]
    assert not any("instead of" in warning for warning in at_the_edge.warnings)


def test_a_region_without_users_is_warned_of(at_home: Scenario, small_catalog: Catalog) -> None:
    lonely = replace(
        at_home,
        profile=closed([(0, 1), (600, 1)]),
        regions=equal_shares(["us-east-1", "eu-west-1"]),
    )
    assert "eu-west-1 gets none of the 1 user" in estimated(lonely, small_catalog, "aws").warnings


def test_the_other_cloud_stands_in_with_its_nearest_region(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    there = replace(at_home, regions=equal_shares(["us-east-1", "eu-west-1"]))
    result = estimated(there, small_catalog)
    places = {
        fleet.provider: [group.offering.region for group in fleet.groups] for fleet in result.clouds
    }
    assert places == {"aws": ["us-east-1", "eu-west-1"], "azure": ["eastus", "northeurope"]}
    assert "azure has other regions: eastus for us-east-1, northeurope for eu-west-1" in (
        result.warnings
    )


def test_a_cloud_without_a_region_nearby_is_left_out_and_said(
    at_home: Scenario, small_catalog: Catalog
) -> None:
    result = estimated(replace(at_home, regions=equal_shares(["westus3"])), small_catalog)
    assert [fleet.provider for fleet in result.clouds] == ["azure"]
    assert [each.field for each in result.unknown if each.field.startswith("clouds")] == [
        "clouds.aws"
    ]


@pytest.mark.parametrize(
    ("provider", "region", "expected"),
    [
        (
            "any",
            "us-esat-1",
            "no cloud has a region 'us-esat-1' in the catalogue; near it: us-east",
        ),
        ("any", "mars", "no cloud has a region 'mars'"),
        ("aws", "eastus", "'eastus' of aws in the catalogue; it is one of azure"),
    ],
)
def test_an_unknown_region_is_refused(
    provider: str, region: str, expected: str, at_home: Scenario, small_catalog: Catalog
) -> None:
    with pytest.raises(UnknownRegionError, match=expected):
        estimate(at_home, catalog=small_catalog, provider=provider, regions=[region])


def test_regions_that_no_single_cloud_has_are_refused(at_home: Scenario, tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(Path(__file__).parents[1] / "catalog", folder)
    (folder / "azure" / "regions" / "northeurope.csv").unlink()
    apart = replace(at_home, regions=equal_shares(["eu-west-1", "westus3"]))
    with pytest.raises(UnknownRegionError, match="no single cloud has all of these regions"):
        estimate(apart, catalog=Catalog(folder))


def test_an_unknown_provider_is_refused(at_home: Scenario, small_catalog: Catalog) -> None:
    with pytest.raises(UnknownProviderError, match="there are aws, azure, any"):
        estimate(at_home, catalog=small_catalog, provider="gcp")


def test_the_same_again_is_the_same(at_home: Scenario, small_catalog: Catalog) -> None:
    assert estimated(at_home, small_catalog) == estimated(at_home, small_catalog)


def test_a_test_longer_than_tariffs_go_is_refused(at_home: Scenario) -> None:
    endless = replace(at_home, profile=closed([(0, 1), (400 * 86_400, 1)]))
    with pytest.raises(BadInputError):
        estimate(endless)


def test_quantities_are_whole_numbers(at_home: Scenario, small_catalog: Catalog) -> None:
    for each in estimated(at_home, small_catalog).quotes:
        assert isinstance(each.quantity, int | Decimal)
