"""A refresh reads a whole price list whatever happens on the way, and changes nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from engine.catalogs.azure import AzureSource
from engine.catalogs.price_source import PriceSource
from engine.catalogs.refresh import CatalogFolderError, RefreshUnderWayError, refresh
from engine.planning.compare import compare
from engine.planning.compared_row import Row
from engine.planning.listed_prices import at_listed_price
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from engine.sweeping.billing import billing_of
from kernel.clock import ManualClock
from kernel.errors import ProviderFailedError
from pricing.catalog import Catalog, UnknownRegionError
from pricing.catalog.versions import Versions
from pricing.refreshing.changes import IncompletePriceListError
from pricing.refreshing.price_list_rows import RowRefusal
from pricing.tariffs import Certainty, Tariff, load_tariff
from providers.errors import ConfigurationRejectedError, ThrottledError, UnknownOutcomeError
from tests.engine.catalogs.conftest import (
    AWS_REGION,
    AZURE_REGION,
    NOW,
    SMALL,
    TODAY,
    Refresh,
    prices_in,
)
from tests.engine.catalogs.server import PriceLists, serving
from tests.engine.catalogs.shapes import aws_machine, azure_machine

PROVIDERS = ("aws", "azure")
REGIONS = {"aws": AWS_REGION, "azure": AZURE_REGION}


def in_use(versions: Versions, provider: str) -> dict[str, int]:
    offerings = versions.open(versions.in_use()).offerings(provider, REGIONS[provider])
    return {each.machine.name: each.hourly_usd_micros for each in offerings}


def small(versions: Versions, provider: str) -> dict[str, int]:
    offerings = versions.open("bundled").offerings(provider, REGIONS[provider])
    return {each.machine.name: each.hourly_usd_micros for each in offerings}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_amid_windows_spot_and_reserved_prices_the_linux_ones_come_out(
    provider: str, refreshed: Refresh, versions: Versions
) -> None:
    done = refreshed(provider)
    assert in_use(versions, provider) == small(versions, provider)
    (changes,) = done.changes
    assert (changes.new, changes.gone, changes.repriced) == ((), (), ())
    assert done.version == versions.in_use() == TODAY.isoformat()
    offering = versions.open(done.version).offerings(provider, REGIONS[provider])[0]
    assert offering.as_of == TODAY
    assert offering.source in versions.open(done.version).sources()


def test_what_is_left_out_is_counted_by_reason(refreshed: Refresh) -> None:
    (aws,) = refreshed("aws").changes
    assert aws.left_out == {RowRefusal.OTHER_PRODUCT: 1}  # the filters keep all other traps out
    (azure,) = refreshed("azure").changes
    assert azure.left_out == {
        RowRefusal.WINDOWS: 2,
        RowRefusal.LOW_PRIORITY: 2,
        RowRefusal.SPOT: 2,
        RowRefusal.FREE: 1,
        RowRefusal.OTHER_PRODUCT: 1,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_surrounds_a_machine_is_refreshed_too(
    provider: str, refreshed: Refresh, versions: Versions
) -> None:
    catalog = versions.open(refreshed(provider).version)
    place = (provider, REGIONS[provider])
    expected = {
        "aws": (
            8 * 81_000,
            5_000,
            [(0, 90_000), (10_240, 85_000), (51_200, 70_000), (153_600, 50_000)],
        ),
        "azure": (2_500_000, 5_500, [(100, 88_000), (10_335, 83_000), (51_295, 70_000)]),
    }[provider]
    tiers = [(tier.from_gb, tier.price.usd_micros) for tier in catalog.egress_tiers(*place)]
    found = (catalog.boot_disk(*place).usd_micros, catalog.public_ipv4(*place).usd_micros, tiers)
    assert found == expected
    assert not catalog.egress(*place).estimated
    nat = catalog.nat(*place)
    assert nat is not None
    gateway = {"aws": (48_000, 46_000), "azure": (47_000, 49_000)}[provider]
    assert (nat.hour.usd_micros, nat.gigabyte.usd_micros) == gateway


def test_what_azure_lists_for_its_own_service_is_what_comparisons_and_sweeps_take(
    refreshed: Refresh, versions: Versions
) -> None:
    users = Scenario("users", Protocol.HTTP, closed([(0, 20_000), (3_600, 20_000)]))

    def compared(catalog: Catalog) -> Row:
        rows = compare(users, catalog=catalog, tariffs=["azure-load-testing"]).rows
        return next(each for each in rows if each.name == "azure-load-testing")

    def swept(catalog: Catalog) -> Tariff:
        billing = billing_of(
            "azure-load-testing", "http", (), is_fixed=False, at=None, catalog=catalog
        )
        return billing.tariff

    before = compared(versions.open("bundled"))
    assert before.usd_micros == 10_000 * 150_000 + 10_000 * 60_000
    assert before.price_from is not None
    assert before.price_from.certainty is Certainty.QUOTATION
    fresh = versions.open(refreshed("azure").version)
    after = compared(fresh)
    assert after.usd_micros == 10_000 * 160_000 + 10_000 * 70_000
    assert after.price_from is not None
    assert (after.price_from.certainty, after.price_from.as_of) == (Certainty.PRICE_LIST, TODAY)
    assert after.price_from.source is not None
    assert "/api/retail/prices" in after.price_from.source
    assert swept(fresh) == at_listed_price(load_tariff("azure-load-testing"), fresh)
    assert swept(fresh).usd_micros_per_unit == 160_000
    assert compared(versions.open(refreshed("aws").version)) == after  # refreshes add up


def test_regions_that_were_not_asked_for_stay_as_they_were(
    refreshed: Refresh, versions: Versions
) -> None:
    folder = versions.path(refreshed("aws").version)
    for path in ("aws/regions/eu-west-1.csv", "azure/regions/westus3.csv"):
        assert (folder / path).read_bytes() == (SMALL / path).read_bytes()
    assert dict(versions.open(versions.in_use()).refreshed()) == {("aws", AWS_REGION): TODAY}


def test_a_second_cloud_is_refreshed_on_top_of_the_first(
    refreshed: Refresh, versions: Versions
) -> None:
    first = refreshed("aws")
    second = refreshed("azure")
    assert (first.before, first.version) == ("bundled", "2026-11-22")
    assert (second.before, second.version) == ("2026-11-22", "2026-11-22-2")
    assert set(versions.open(second.version).refreshed()) == {
        ("aws", AWS_REGION),
        ("azure", AZURE_REGION),
    }


@pytest.mark.parametrize(
    ("provider", "page_rows"),
    [("aws", 1), ("aws", 3), ("azure", 1), ("azure", 2), ("azure", 7), ("azure", 1000)],
)
def test_pages_of_any_size_give_the_same_prices(
    provider: str, page_rows: int, lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.page_rows = page_rows
    refreshed(provider)
    assert in_use(versions, provider) == small(versions, provider)


def test_a_full_page_without_a_link_is_not_believed(
    lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.page_rows = 2
    lists.faults[2] = "no link"
    refreshed("azure")
    assert in_use(versions, "azure") == small(versions, "azure")
    assert any(call.endswith(" 4") for call in lists.calls)


def test_a_first_page_of_a_round_number_without_a_link_is_not_believed(
    lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    more = [
        azure_machine(
            f"Standard_D{number}_v9", 1.0, productName="Virtual Machines D Series Windows"
        )
        for number in range(100)
    ]
    lists.items = [*more, *lists.items]
    lists.faults[1] = "no link"
    refreshed("azure")
    assert in_use(versions, "azure") == small(versions, "azure")


@pytest.mark.parametrize(
    "fault", ["429", "429 3", "500", "no json", "cut", "wrong count", "none left"]
)
def test_azure_is_asked_again_and_not_too_soon(
    fault: str, lists: PriceLists, refreshed: Refresh, versions: Versions, clock: ManualClock
) -> None:
    lists.page_rows = 3
    lists.faults[2] = fault
    refreshed("azure")
    assert in_use(versions, "azure") == small(versions, "azure")
    waited_s = (clock.now() - NOW).total_seconds()
    least_s = {"429 3": 3, "none left": 60}.get(fault, 0)
    assert least_s <= waited_s <= 200
    assert waited_s > 0


@pytest.mark.parametrize("fault", ["ThrottlingException", "InternalErrorException", "cut"])
def test_aws_is_asked_again(
    fault: str, lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.page_rows = 3
    # botocore itself asks twice.
    lists.faults |= {2: fault, 3: fault}
    refreshed("aws")
    assert in_use(versions, "aws") == small(versions, "aws")


@pytest.mark.parametrize(
    ("fault", "error"), [("429", ThrottledError), ("500", UnknownOutcomeError)]
)
def test_what_never_answers_is_given_up_and_gone_on_with_later(
    fault: str,
    error: type[ProviderFailedError],
    lists: PriceLists,
    refreshed: Refresh,
    versions: Versions,
) -> None:
    lists.page_rows = 3
    lists.faults = dict.fromkeys(range(3, 100), fault)
    with pytest.raises(error, match="the same command goes on from there today"):
        refreshed("azure")
    assert lists.called < 20
    assert versions.in_use() == "bundled"
    lists.faults = {}
    before = lists.called
    refreshed("azure")
    asked_again = [call for call in lists.calls[before:] if "Virtual Machines" in call]
    assert all(not call.endswith((" 0", " 3")) for call in asked_again)
    assert in_use(versions, "azure") == small(versions, "azure")


def test_a_question_that_the_api_refuses_is_not_repeated(
    lists: PriceLists, refreshed: Refresh
) -> None:
    lists.faults[1] = "400"
    with pytest.raises(ConfigurationRejectedError, match="Invalid filter"):
        refreshed("azure")
    assert lists.called == 1


@pytest.mark.parametrize("code", ["ExpiredNextTokenException", "InvalidNextTokenException"])
def test_a_place_that_has_expired_is_read_from_the_start(
    code: str, lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.page_rows = 2
    lists.faults[2] = code
    refreshed("aws")
    assert in_use(versions, "aws") == small(versions, "aws")
    assert lists.calls[:3] == [
        f"aws {AWS_REGION} Compute Instance",
        f"aws {AWS_REGION} Compute Instance token-2",
        f"aws {AWS_REGION} Compute Instance",
    ]


def test_a_place_that_always_expires_is_given_up(lists: PriceLists, refreshed: Refresh) -> None:
    lists.page_rows = 2
    lists.faults = dict.fromkeys(range(2, 100, 2), "ExpiredNextTokenException")
    with pytest.raises(IncompletePriceListError, match="expired 3 times"):
        refreshed("aws")


def test_pages_of_another_day_are_asked_for_again(
    lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.page_rows = 3
    lists.faults = dict.fromkeys(range(3, 100), "400")
    with pytest.raises(ConfigurationRejectedError):
        refreshed("azure")
    lists.faults = {}
    before = lists.called
    refreshed("azure", day=TODAY + timedelta(days=1))
    assert lists.calls[before].endswith(" 0")
    assert versions.in_use() == "2026-11-23"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_list_that_lacks_most_of_what_is_known_changes_nothing_and_is_asked_for_again(
    provider: str, lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    products, items = lists.products, lists.items
    lists.products = products[:4]
    lists.items = []
    with pytest.raises(IncompletePriceListError, match="taken for incomplete"):
        refreshed(provider)
    assert versions.in_use() == "bundled"
    lists.products, lists.items = products, items
    refreshed(provider)
    assert in_use(versions, provider) == small(versions, provider)


def test_what_could_be_no_region_is_refused(refreshed: Refresh, versions: Versions) -> None:
    for name in ("../../etc", "eu west", "a/b", ".", "x" * 61):
        with pytest.raises(UnknownRegionError, match="is no name of a region"):
            refreshed("azure", region=name)
    assert not (versions.folder / "pages").exists()


def test_a_region_without_machines_is_asked_for_nothing_else(
    lists: PriceLists, refreshed: Refresh
) -> None:
    lists.products = []
    with pytest.raises(IncompletePriceListError, match="has 0 of"):
        refreshed("aws")
    assert lists.calls == [f"aws {AWS_REGION} Compute Instance"]


def test_egress_is_left_as_it_is_where_the_list_does_not_name_the_region_for_people(
    lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    lists.products = [
        text.replace('"location": "US East (N. Virginia)", ', "") for text in lists.products
    ]
    (changes,) = refreshed("aws").changes
    assert "egress" not in changes.around
    catalog, first = versions.open(versions.in_use()), versions.open("bundled")
    assert catalog.egress("aws", AWS_REGION) == first.egress("aws", AWS_REGION)


def test_where_nobody_answers_little_time_is_lost(
    lists: PriceLists, clock: ManualClock, versions: Versions
) -> None:
    with serving(lists) as address:
        pass
    lists_there = AzureSource(clock, address=address)
    with closing(lists_there), pytest.raises(UnknownOutcomeError, match="no answer"):
        refresh(lists_there, versions, day=TODAY, regions=[AZURE_REGION])
    assert (clock.now() - NOW).total_seconds() < 10


def test_what_the_bundled_catalogue_knows_by_now_is_known_to_the_next_refresh(
    refreshed: Refresh,
    source: Callable[..., PriceSource],
    lists: PriceLists,
    versions: Versions,
    tmp_path: Path,
) -> None:
    refreshed("aws")
    newer = tmp_path / "newer"
    shutil.copytree(SMALL, newer)
    with (newer / "azure" / "machine-types.csv").open("a") as file:
        file.write("Standard_D2s_v9,Dsv9,2,8192,x86_64,,12500,no,2027-01-01,test\n")
    for region, usd in (("us-east-1", "9.99"), ("eu-west-1", "8.88")):
        path = newer / "aws" / "regions" / f"{region}.csv"
        path.write_text(path.read_text().replace(",0.", f",{usd[0]}.", 1))
    lists.items.append(azure_machine("Standard_D2s_v9", 0.1))
    upgraded = Versions(versions.folder, newer)
    done = refresh(source("azure"), upgraded, day=TODAY, regions=[AZURE_REGION])
    assert done.changes[0].new == ("Standard_D2s_v9",)
    # What was refreshed stays; elsewhere the newer bundled figures hold.
    folder = upgraded.path(done.version)
    assert in_use(upgraded, "aws") == small(versions, "aws")
    assert (folder / "aws/regions/eu-west-1.csv").read_bytes() == (
        newer / "aws/regions/eu-west-1.csv"
    ).read_bytes()


def test_a_region_is_called_as_the_cloud_spells_it(refreshed: Refresh, versions: Versions) -> None:
    with pytest.raises(IncompletePriceListError, match=r"EastUS.*check the region's name"):
        refreshed("azure", region="EastUS")
    assert versions.in_use() == "bundled"


def test_a_region_that_is_incomplete_keeps_its_prices_while_others_are_refreshed(
    source: Callable[..., PriceSource], versions: Versions
) -> None:
    done = refresh(source("azure"), versions, day=TODAY)
    assert [each.region for each in done.changes] == [AZURE_REGION]
    assert set(done.kept) == {"northeurope", "westus3"}
    catalog = versions.open(done.version)
    assert {each.source for each in catalog.offerings("azure", "westus3")} == {"test"}


def test_what_is_new_gone_and_repriced_is_told(
    lists: PriceLists, versions: Versions, refreshed: Refresh
) -> None:
    before = small(versions, "aws")
    gone, dearer, *_ = before
    lists.products = [text for text in lists.products if f'"{gone}"' not in text]
    lists.products = [text for text in lists.products if f'"{dearer}"' not in text]
    usd = 1.25 * before[dearer] / 1_000_000
    lists.products += [
        aws_machine(dearer, f"{usd:.6f}"),
        aws_machine("c9i.large", "0.0999"),
        aws_machine("c9x.large", "0.0999"),
    ]
    lists.types = [("c9i.large", 2, 4_096, "x86_64", 0.781, False)]
    (changes,) = refreshed("aws").changes
    assert changes.gone == (gone,)
    assert changes.new == ("c9i.large",)
    assert changes.unknown == ("c9x.large",)
    assert changes.left_out[RowRefusal.UNKNOWN_SIZE] == 1
    (one,) = changes.repriced
    assert one.name == dearer
    assert one.change_percent == pytest.approx(25, abs=0.01)
    machine = versions.open(versions.in_use()).offering("aws", AWS_REGION, "c9i.large").machine
    assert (machine.vcpus, machine.memory_mib, machine.family) == (2, 4_096, "c9i")
    assert (machine.network_baseline_mbps, machine.network_burst_mbps) == (781, 1_562)


def test_a_price_at_a_tenth_of_what_is_usual_is_not_believed(
    lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    before = small(versions, "aws")
    odd, *others = before
    lists.products = [text for text in lists.products if f'"{odd}"' not in text]
    lists.products.append(aws_machine(odd, f"{before[odd] / 10 / 1_000_000:.6f}"))
    (changes,) = refreshed("aws").changes
    assert changes.left_out[RowRefusal.IMPLAUSIBLE] == 1
    assert changes.gone == (odd,)
    assert set(in_use(versions, "aws")) == set(others)


def test_a_size_that_azure_alone_knows_is_left_out_and_counted(
    lists: PriceLists, refreshed: Refresh
) -> None:
    lists.items.append(azure_machine("Standard_D96plds_v9", 4.0))
    (changes,) = refreshed("azure").changes
    assert changes.unknown == ("Standard_D96plds_v9",)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_spot_prices_are_kept_only_where_they_were_asked_for(
    provider: str, lists: PriceLists, refreshed: Refresh, versions: Versions
) -> None:
    name, *_ = prices_in(SMALL, provider, REGIONS[provider])
    lists.page_rows = 2
    lists.spot = [
        (AWS_REGION, name, "us-east-1a", "0.011100", "Linux/UNIX"),
        (AWS_REGION, name, "us-east-1b", "0.012200", "Linux/UNIX"),
        (AWS_REGION, "p5.48xlarge", "us-east-1b", "30.0", "Linux/UNIX"),
        (AWS_REGION, "c9x.large", "us-east-1b", "0.1", "Linux/UNIX"),
    ]
    refreshed(provider)
    place = (provider, REGIONS[provider])
    assert versions.open(versions.in_use()).spot(*place, name) == ()
    refreshed(provider, spot=True)
    catalog = versions.open(versions.in_use())
    zones = [price.zone for price in catalog.spot(*place, name)]
    assert zones == (["us-east-1a", "us-east-1b"] if provider == "aws" else [""])
    assert catalog.spot(*place, name)[0].source in catalog.sources()
    assert in_use(versions, provider) == small(versions, provider)


def test_two_refreshes_at_once_are_not(
    source: Callable[..., PriceSource], versions: Versions
) -> None:
    errors = []

    def try_another(_: object) -> None:
        try:
            refresh(source("aws"), versions, day=TODAY, regions=[AWS_REGION])
        except RefreshUnderWayError as error:
            errors.append(error)

    refresh(source("azure"), versions, day=TODAY, regions=[AZURE_REGION], watch=try_another)
    assert [error.exit_code for error in errors] == [3]


def test_a_folder_that_cannot_be_written_to_is_named(
    source: Callable[..., PriceSource], versions: Versions
) -> None:
    versions.folder.parent.mkdir(exist_ok=True)
    versions.folder.write_text("a file")
    with pytest.raises(CatalogFolderError, match="LOADMUSTER_CATALOG"):
        refresh(source("azure"), versions, day=TODAY, regions=[AZURE_REGION])
