from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.catalog import (
    PRICED_CLOUDS,
    Catalog,
    CatalogUnreadableError,
    UnknownFamilyError,
    UnknownMachineTypeError,
    UnknownProviderError,
    UnknownRegionError,
    is_stale,
)
from pricing.catalog.ancillary_prices import AncillaryPrices

ROOT = Path(__file__).parents[3]
BUNDLED = Catalog.bundled()
PLACES = BUNDLED.places()


def test_a_machine_type_has_its_size_its_network_and_its_price() -> None:
    offering = BUNDLED.offering("aws", "us-east-1", "c7i.large")
    assert offering.hourly_usd_micros == 89_250
    assert offering.as_of == date(2026, 7, 20)
    machine = offering.machine
    assert (machine.family, machine.vcpus, machine.memory_mib) == ("c7i", 2, 4096)
    assert (machine.network_baseline_mbps, machine.network_burst_mbps) == (781, 12_500)
    assert not machine.burstable
    assert BUNDLED.offering("azure", "eastus", "Standard_B2s").machine.burstable


def test_an_azure_machine_without_a_published_network_says_so() -> None:
    machine = BUNDLED.offering("azure", "eastus", "Standard_B2s").machine
    assert (machine.network_baseline_mbps, machine.network_burst_mbps) == (None, None)


@pytest.mark.parametrize("provider", PRICED_CLOUDS)
def test_offerings_come_cheapest_first_and_then_by_name(provider: str) -> None:
    offerings = BUNDLED.offerings(provider, PRICED_CLOUDS[provider].default_region)
    keys = [(offering.hourly_usd_micros, offering.machine.name) for offering in offerings]
    assert len(keys) > 400
    assert keys == sorted(keys)


def test_every_figure_is_positive_dated_and_has_a_known_source() -> None:
    sources = BUNDLED.sources()
    for place in PLACES:
        offerings = BUNDLED.offerings(*place)
        assert offerings, place
        for offering in offerings:
            assert offering.hourly_usd_micros > 0, offering
            assert offering.machine.vcpus > 0, offering
            assert offering.machine.memory_mib > 0, offering
            assert offering.machine.architecture in {"x86_64", "arm64"}, offering
            assert date(2022, 1, 1) < offering.as_of <= date(2026, 11, 21), offering
            assert offering.source in sources, offering


def test_both_clouds_are_there_with_all_their_regions() -> None:
    assert len(BUNDLED.regions("aws")) == 21
    assert len(BUNDLED.regions("azure")) == 57
    assert sum(len(BUNDLED.offerings(*place)) for place in PLACES) > 28_000


def test_every_region_has_its_surroundings_and_an_estimate_has_its_range() -> None:
    sources = BUNDLED.sources()
    for place in PLACES:
        for price, per in (
            (BUNDLED.public_ipv4(*place), "hour"),
            (BUNDLED.boot_disk(*place), "month"),
            (BUNDLED.egress(*place), "GB"),
        ):
            assert price.usd_micros > 0, place
            assert price.per == per, place
            assert price.source in sources, place
            if price.low_usd_micros is not None and price.high_usd_micros is not None:
                assert price.estimated, place
                assert price.low_usd_micros <= price.usd_micros <= price.high_usd_micros, place


@pytest.mark.parametrize(
    ("provider", "region", "usd_micros"),
    [
        ("aws", "us-east-1", 90_000),
        ("aws", "eu-central-1", 90_000),
        ("aws", "ap-south-1", 109_300),
        ("aws", "ap-southeast-2", 114_000),
        ("aws", "ap-northeast-1", 114_000),
        ("aws", "ap-northeast-2", 126_000),
        ("aws", "sa-east-1", 150_000),
        ("aws", "af-south-1", 154_000),
        ("azure", "eastus", 87_000),
        ("azure", "westeurope", 87_000),
        ("azure", "japaneast", 120_000),
        ("azure", "brazilsouth", 181_000),
    ],
)
def test_egress_has_the_price_of_its_region(provider: str, region: str, usd_micros: int) -> None:
    price = BUNDLED.egress(provider, region)
    assert price.usd_micros == usd_micros
    assert not price.estimated


def test_egress_is_known_in_every_region_of_aws_and_in_all_but_ten_of_azure() -> None:
    unknown = {place for place in PLACES if BUNDLED.egress(*place).estimated}
    assert {provider for provider, _ in unknown} == {"azure"}
    assert {region for _, region in unknown} == {
        "australiacentral",
        "australiacentral2",
        "israelcentral",
        "mexicocentral",
        "newzealandnorth",
        "qatarcentral",
        "southafricanorth",
        "southafricawest",
        "uaecentral",
        "uaenorth",
    }


def test_the_first_tier_is_the_price_among_the_surroundings_and_later_ones_are_cheaper() -> None:
    for place in PLACES:
        tiers = BUNDLED.egress_tiers(*place)
        assert (
            tiers[0].price.usd_micros
            == AncillaryPrices(BUNDLED.folder).price(*place, "egress").usd_micros
        ), place
        prices = [tier.price.usd_micros for tier in tiers]
        assert prices == sorted(prices, reverse=True), place
        assert all(tier.price.source in BUNDLED.sources() for tier in tiers), place


def test_what_is_known_as_a_range_only_counts_at_its_dear_end() -> None:
    for place in PLACES:
        nat = BUNDLED.nat(*place)
        assert nat is not None, place
        for price in (BUNDLED.egress(*place), BUNDLED.boot_disk(*place), nat.hour, nat.gigabyte):
            assert price.high_usd_micros in {None, price.usd_micros}, place
    unknown = BUNDLED.egress("azure", "mexicocentral")
    assert (unknown.low_usd_micros, unknown.usd_micros) == (87_000, 181_000)


@pytest.mark.parametrize(
    ("provider", "region", "hour", "gigabyte"),
    [
        ("aws", "us-east-1", 45_000, 45_000),
        ("aws", "ap-southeast-1", 59_000, 59_000),
        ("aws", "eu-west-1", 48_000, 48_000),
        ("aws", "ap-northeast-1", 62_000, 93_000),
        ("azure", "westeurope", 45_000, 45_000),
        ("azure", "japaneast", 45_000, 45_000),
    ],
)
def test_a_nat_gateway_has_the_price_of_its_region_or_the_most_that_it_may_be(
    provider: str, region: str, hour: int, gigabyte: int
) -> None:
    nat = BUNDLED.nat(provider, region)
    assert nat is not None
    assert (nat.hour.usd_micros, nat.gigabyte.usd_micros) == (hour, gigabyte)
    assert nat.gigabyte.estimated == (gigabyte == 93_000)


def test_a_boot_disk_on_aws_is_eight_gibibytes_of_gp3_and_on_azure_a_whole_tier() -> None:
    assert BUNDLED.boot_disk("aws", "us-east-1").usd_micros == 8 * 80_000
    assert BUNDLED.boot_disk("azure", "eastus").usd_micros == 2_400_000
    missing = BUNDLED.boot_disk("aws", "ap-southeast-3")
    assert missing.estimated
    assert (missing.low_usd_micros, missing.high_usd_micros) == (8 * 80_000, 8 * 152_000)


def test_each_source_of_the_catalogue_says_what_it_is_and_under_which_licence() -> None:
    for key, source in BUNDLED.sources().items():
        assert source.title, key
        assert source.address.startswith("https://"), key
        assert source.version, key
        assert source.licence, key


def test_data_files_are_sorted_by_name_so_that_a_refresh_is_a_small_diff() -> None:
    def natural(name: str) -> list[int | str]:
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    folder = ROOT / "pricing" / "catalog" / "data"
    for path in folder.glob("*/regions/*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        names = [line.partition(",")[0] for line in lines[1:]]
        assert names == sorted(names, key=natural), path
        assert len(names) == len(set(names)), path


def test_an_unknown_provider_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownProviderError, match=r"'gcp'.*aws, azure"):
        BUNDLED.regions("gcp")


def test_an_unknown_region_is_refused_with_near_ones() -> None:
    with pytest.raises(UnknownRegionError, match=r"'us-est-1'.*us-east-1"):
        BUNDLED.offerings("aws", "us-est-1")
    with pytest.raises(UnknownRegionError, match="one of azure"):
        BUNDLED.egress("aws", "eastus")
    with pytest.raises(UnknownRegionError, match="aws or azure"):
        BUNDLED.places(region="../secrets")


def test_an_unknown_machine_type_is_refused_with_near_ones() -> None:
    with pytest.raises(UnknownMachineTypeError, match=r"not in the catalogue.*c7i\.large"):
        BUNDLED.offering("aws", "us-east-1", "c7i.lrge")
    with pytest.raises(UnknownMachineTypeError, match=r"other regions only.*c8g\.large"):
        BUNDLED.offering("aws", "eu-west-1", "c9g.large")


def test_an_unknown_family_is_refused_with_near_ones() -> None:
    with pytest.raises(UnknownFamilyError, match=r"'c7'.*c7i"):
        BUNDLED.check_family("c7", ["aws"])
    BUNDLED.check_family("Dsv5", ["aws", "azure"])


def test_a_region_tells_its_provider() -> None:
    assert BUNDLED.places(region="westeurope") == (("azure", "westeurope"),)


def test_a_malformed_row_is_refused_with_its_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "aws"
    (folder / "regions").mkdir(parents=True)
    (folder / "machine-types.csv").write_text(
        "name,family,vcpus,memory_mib,architecture,network_baseline_mbps,network_burst_mbps,"
        "burstable,as_of,source\nm1,m,2,4096,x86_64,,,no,2026-01-01,here\n",
        encoding="utf-8",
    )
    region = folder / "regions" / "here.csv"
    for row in (
        "m1,twelve,2026-01-01,x",
        "m1,1e999999,2026-01-01,x",
        "m2,1.0,2026-01-01,x",
        "m1,1.0,lately,x",
        "m1,1.0",
    ):
        region.write_text(f"name,usd_per_hour,as_of,source\n{row}\n", encoding="utf-8")
        with pytest.raises(CatalogUnreadableError, match=r"here\.csv, line 2"):
            Catalog(tmp_path).offerings("aws", "here")
    region.write_text("name,price\n", encoding="utf-8")
    with pytest.raises(CatalogUnreadableError, match=r"line 1.*the header must be"):
        Catalog(tmp_path).offerings("aws", "here")
    region.write_text("name,usd_per_hour,as_of,source\nm1,1.0,2026-01-01,x\n", encoding="utf-8")
    assert Catalog(tmp_path).offering("aws", "here", "m1").hourly_usd_micros == 1_000_000
    with pytest.raises(CatalogUnreadableError, match=r"surroundings\.csv"):
        Catalog(tmp_path).egress("aws", "here")


@pytest.mark.parametrize("provider", PRICED_CLOUDS)
def test_no_price_is_below_half_of_what_region_and_machine_type_suggest(provider: str) -> None:
    prices: dict[str, dict[str, int]] = {}
    regions = BUNDLED.regions(provider)
    for region in regions:
        for offering in BUNDLED.offerings(provider, region):
            prices.setdefault(offering.machine.name, {})[region] = offering.hourly_usd_micros
    usual = {name: median(by_region.values()) for name, by_region in prices.items()}
    level = {
        region: median(
            by_region[region] / usual[name]
            for name, by_region in prices.items()
            if region in by_region
        )
        for region in regions
    }
    for name, by_region in prices.items():
        for region, price in by_region.items():
            assert price >= usual[name] * level[region] / 2, (region, name)


def test_a_price_is_stale_after_a_year() -> None:
    assert not is_stale(date(2025, 11, 21), date(2026, 11, 21))
    assert is_stale(date(2025, 11, 20), date(2026, 11, 21))


def test_each_start_on_aws_bills_a_minute_at_least_and_then_seconds() -> None:
    rule = PRICED_CLOUDS["aws"].billing
    assert [rule.billed_seconds(seconds) for seconds in (0, 1, 60, 61)] == [60, 60, 60, 61]
    assert PRICED_CLOUDS["azure"].billing.billed_seconds(61) == 300


@given(st.sampled_from(tuple(PRICED_CLOUDS)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_r3_a_longer_running_machine_is_never_billed_less(
    provider: str, seconds: int, more: int
) -> None:
    rule = PRICED_CLOUDS[provider].billing
    assert rule.billed_seconds(seconds + more) >= rule.billed_seconds(seconds) >= seconds


@pytest.mark.parametrize("entry", ["title = 3", 'colour = "red"', ""])
def test_sources_that_are_none_are_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "sources.toml").write_text(f"[somewhere]\n{entry}\n", encoding="utf-8")
    with pytest.raises(CatalogUnreadableError, match="the catalogue's sources cannot be read"):
        Catalog(tmp_path).sources()
