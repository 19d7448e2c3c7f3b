"""A pattern of regions is written as one cloud names them, and means the others' there as well."""

from __future__ import annotations

import pytest

from engine.clouds import CLOUDS
from engine.planning.estimate import estimate
from engine.planning.places import names_matching
from engine.sweeping.axes import parse_axes
from pricing.catalog import Catalog, UnknownRegionError
from tests.engine.planning.test_wishes import users

CATALOG = Catalog.bundled()
EUROPE = {
    *("northeurope", "westeurope", "uksouth", "ukwest", "francecentral", "francesouth"),
    *("germanywestcentral", "germanynorth", "switzerlandnorth", "switzerlandwest", "austriaeast"),
    *("polandcentral", "swedencentral", "swedensouth", "norwayeast", "norwaywest", "italynorth"),
    "spaincentral",
}


def matching(pattern: str, provider: str) -> set[str]:
    return set(names_matching(pattern, provider, CATALOG.regions(provider)))


def test_eu_west_finds_azures_regions_too() -> None:
    found = matching("eu-west*", "azure")
    assert {"westeurope", "northeurope"} <= found
    assert found <= EUROPE
    assert matching("eu-*", "azure") == EUROPE
    assert matching("us-east*", "azure") == {"eastus", "eastus2"}
    assert matching("*europe", "aws") >= {"eu-west-1", "eu-west-2", "eu-central-1"}
    assert matching("eastus*", "aws") == {"us-east-1"}


def test_a_clouds_own_names_come_first_and_a_whole_name_is_no_pattern() -> None:
    assert matching("eu-west*", "aws") == {"eu-west-1", "eu-west-2", "eu-west-3"}
    assert matching("west*", "azure") >= {"westus", "westeurope"}
    assert matching("eu-west-1", "azure") == set()


@pytest.mark.parametrize("provider", CLOUDS)
def test_every_region_of_the_catalogue_is_named_as_another_cloud_would(provider: str) -> None:
    also = CLOUDS[provider].prices.also_named
    assert set(also) == set(CATALOG.regions(provider))


def test_an_estimate_on_a_pattern_compares_both_clouds_and_says_which_regions_it_took() -> None:
    planned = estimate(users(1_000, None, "eu-west*"), catalog=CATALOG)
    taken = {fleet.provider: fleet.sites[0].place.region for fleet in planned.clouds}
    assert set(taken) == {"aws", "azure"}
    assert taken["azure"] in EUROPE
    assert any(f"{taken['azure']} for eu-west*" in each for each in planned.warnings)
    alone = estimate(users(1_000, None, "eu-west*"), catalog=CATALOG, provider="azure")
    assert alone.clouds[0].sites[0].place.region == taken["azure"]
    with pytest.raises(UnknownRegionError):
        estimate(users(1_000, None, "zz-*"), catalog=CATALOG)


def test_a_grid_takes_the_regions_of_the_cloud_that_names_them_so_and_any_of_no_cloud() -> None:
    def regions(pattern: str) -> list[str]:
        axes = parse_axes(["users=5", "duration=60", f"region={pattern}"], CATALOG, plan="starter")
        return list(axes.words["region"])

    assert regions("eu-west*") == ["eu-west-1", "eu-west-2", "eu-west-3"]
    assert regions("eu-west-1") == ["eu-west-1"]
    assert regions("il-*") == ["israelcentral"]
