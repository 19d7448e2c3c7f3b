"""One item of Azure's Retail Prices is a price of the catalogue, or says why it is none."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.refreshing.azure_items import query_filter, read_item
from pricing.refreshing.price_list_rows import ListedPrice, Reading, RowRefusal, chosen
from tests.engine.catalogs.shapes import azure_around, azure_machine

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
SIZE = "Standard_D4as_v5"


def read(row: dict[str, Any], item: str = "machine", region: str = "eastus") -> Reading:
    plain = json.loads(json.dumps(row), parse_float=Decimal)
    return read_item(plain, item, region, AT)


def found(*rows: dict[str, Any]) -> list[ListedPrice]:
    readings = [read(row) for row in rows]
    return chosen(price for reading in readings if isinstance(reading, tuple) for price in reading)


def test_a_linux_size_is_a_price_with_its_name() -> None:
    (price,) = found(azure_machine(SIZE, 0.172))
    assert (price.item, price.name, price.usd_micros) == ("machine", SIZE, 172_000)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"productName": "Virtual Machines Dasv5 Series Windows"}, RowRefusal.WINDOWS),
        ({"productName": "Virtual Machines Windows Dasv5 Series"}, RowRefusal.WINDOWS),
        ({"productName": "Dasv5 Series CloudServices"}, RowRefusal.CLOUD_SERVICES),
        ({"productName": "Dasv5 Series Cloud Services"}, RowRefusal.CLOUD_SERVICES),
        ({"meterName": "D4as v5 Low Priority"}, RowRefusal.LOW_PRIORITY),
        ({"skuName": "D4as v5 Low Priority"}, RowRefusal.LOW_PRIORITY),
        ({"skuName": "D4as v5 Promo"}, RowRefusal.PROMOTION),
        ({"armSkuName": "Standard_D2_v2_Promo"}, RowRefusal.PROMOTION),
        ({"productName": "Dasv5 Dedicated Host"}, RowRefusal.OTHER_PRODUCT),
        ({"serviceName": "virtual machines"}, RowRefusal.OTHER_PRODUCT),
        ({"retailPrice": 0}, RowRefusal.FREE),
        ({"retailPrice": 0.0}, RowRefusal.FREE),
        ({"type": "Reservation", "reservationTerm": "1 Year"}, RowRefusal.RESERVED),
        ({"reservationTerm": "3 Years"}, RowRefusal.RESERVED),
        ({"type": "DevTestConsumption"}, RowRefusal.DEV_TEST),
        ({"type": "SavingsPlan"}, RowRefusal.OTHER_PRODUCT),
        ({"currencyCode": "EUR"}, RowRefusal.NOT_USD),
        ({"armRegionName": "EastUS"}, RowRefusal.OTHER_REGION),
        ({"unitOfMeasure": "100 Hours"}, RowRefusal.UNIT),
        ({"unitOfMeasure": "1/Month"}, RowRefusal.UNIT),
        ({"tierMinimumUnits": 100.0}, RowRefusal.UNIT),
        ({"effectiveEndDate": "2026-06-30T23:59:59Z"}, RowRefusal.EXPIRED),
        ({"effectiveStartDate": "2026-12-01T00:00:00Z"}, RowRefusal.FUTURE),
        ({"armSkuName": ""}, RowRefusal.NOT_FOR_LOAD),
        ({"armSkuName": "Standard_E4s_v5"}, RowRefusal.NOT_FOR_LOAD),
        ({"armSkuName": "Standard_NC24ads_A100_v4"}, RowRefusal.NOT_FOR_LOAD),
        ({"retailPrice": "dear"}, RowRefusal.MALFORMED),
        ({"retailPrice": None}, RowRefusal.MALFORMED),
        ({"retailPrice": -1}, RowRefusal.MALFORMED),
        ({"effectiveStartDate": "lately"}, RowRefusal.MALFORMED),
        ({"effectiveStartDate": None}, RowRefusal.MALFORMED),
    ],
    ids=lambda value: (
        "" if isinstance(value, RowRefusal) else "-".join(map(str, value.values()))[:40]
    ),
)
def test_a_trap_is_left_out_with_its_reason(said: dict[str, Any], reason: RowRefusal) -> None:
    assert read(azure_machine(SIZE, 0.172, **said)) is reason


def test_an_item_without_a_field_is_left_out() -> None:
    whole = azure_machine(SIZE, 0.172)
    optional = {"isPrimaryMeterRegion", "tierMinimumUnits"}
    for name in (
        "currencyCode",
        "retailPrice",
        "armRegionName",
        "type",
        "productName",
        "skuName",
        "meterName",
        "meterId",
        "serviceName",
        "unitOfMeasure",
        "armSkuName",
        "effectiveStartDate",
    ):
        assert name not in optional
        less = {key: value for key, value in whole.items() if key != name}
        assert read(less) is RowRefusal.MALFORMED, name


def test_windows_behind_an_equal_name_never_wins_whatever_the_order() -> None:
    linux = azure_machine(SIZE, 0.192)
    others = [
        azure_machine(SIZE, 0.376, productName="Virtual Machines Dasv5 Series Windows"),
        azure_machine(SIZE, 0.0384, skuName="D4as v5 Low Priority"),
        azure_machine(SIZE, 0.0, skuName="D4as v5 free"),
        azure_machine(SIZE, 0.1, type="Reservation", reservationTerm="1 Year"),
        azure_machine(SIZE, 0.15, effectiveEndDate="2026-01-31T00:00:00Z"),
    ]
    for order in itertools.permutations([linux, *others]):
        (price,) = found(*order)
        assert price.usd_micros == 192_000


def test_of_several_meters_one_is_chosen_by_what_they_say_and_not_by_their_order() -> None:
    rows = [
        azure_machine(SIZE, 0.20, meterId="b"),
        azure_machine(SIZE, 0.18, meterId="old", effectiveStartDate="2024-01-01T00:00:00Z"),
        azure_machine(SIZE, 0.17, meterId="of a neighbour", isPrimaryMeterRegion=False),
        azure_machine(SIZE, 0.21, meterId="something on top"),
    ]
    for order in itertools.permutations(rows):
        (price,) = found(*order)
        assert price.usd_micros == 200_000


def test_spot_is_told_by_its_sku_and_is_a_price_of_its_own() -> None:
    (machine, spot) = found(
        azure_machine(SIZE, 0.0384, skuName="D4as v5 Spot", meterName="D4as v5 Spot"),
        azure_machine(SIZE, 0.192),
    )
    assert (machine.item, machine.usd_micros) == ("machine", 192_000)
    assert (spot.item, spot.usd_micros) == ("spot", 38_400)
    windows = azure_machine(SIZE, 0.1, skuName="D4as v5 Spot", productName="Dasv5 Series Windows")
    assert read(windows) is RowRefusal.WINDOWS


def test_the_filter_names_service_region_and_kind_of_price_as_the_api_spells_them() -> None:
    assert query_filter("machine", "westeurope") == (
        "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope' "
        "and priceType eq 'Consumption'"
    )


def test_what_surrounds_a_machine_is_found_by_its_meter() -> None:
    disk, address, free, *tiers, internet, hour, gigabyte, first, beyond = azure_around("eastus")
    (price,) = read(disk, "boot-disk")
    assert isinstance(price, ListedPrice)
    assert price.usd_micros == 2_500_000
    (price,) = read(address, "public-ipv4")
    assert isinstance(price, ListedPrice)
    assert price.usd_micros == 5_500
    assert read(disk, "public-ipv4") is RowRefusal.OTHER_PRODUCT
    assert read({**disk, "unitOfMeasure": "1 Hour"}, "boot-disk") is RowRefusal.UNIT
    assert read(free, "egress") is RowRefusal.FREE
    assert read(internet, "egress") is RowRefusal.OTHER_PRODUCT
    for row, item, usd_micros in ((hour, "nat-hour", 47_000), (gigabyte, "nat-gb", 49_000)):
        (price,) = read(row, "nat-hour")
        assert isinstance(price, ListedPrice)
        assert (price.item, price.usd_micros) == (item, usd_micros)
        (own,) = read({**row, "armRegionName": "eastus"}, "nat-hour")
        assert isinstance(own, ListedPrice)
        assert own.preference > price.preference  # the region's own price goes before all regions'
        assert read({**row, "armRegionName": "westus"}, "nat-hour") is RowRefusal.OTHER_REGION
        assert read({**row, "unitOfMeasure": "1/Month"}, "nat-hour") is RowRefusal.UNIT
    for row, from_units, usd_micros in ((first, 0, 160_000), (beyond, 10_000, 70_000)):
        (price,) = read(row, "load-testing-unit")
        assert isinstance(price, ListedPrice)
        assert (price.from_gb, price.usd_micros) == (from_units, usd_micros)
    assert read(address, "load-testing-unit") is RowRefusal.OTHER_PRODUCT
    assert read(address, "nat-hour") is RowRefusal.OTHER_PRODUCT
    assert read({**address, "armRegionName": "Global"}, "public-ipv4") is RowRefusal.OTHER_REGION
    readings = [read(tier, "egress") for tier in tiers]
    assert [
        (price.from_gb, price.usd_micros)
        for reading in readings
        if isinstance(reading, tuple)
        for price in reading
    ] == [(100, 88_000), (10_335, 83_000), (51_295, 70_000)]


@given(
    st.dictionaries(
        st.sampled_from(sorted(azure_machine(SIZE, 0.172))),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda each: st.lists(each, max_size=2) | st.dictionaries(st.text(), each, max_size=2),
            max_leaves=3,
        ),
        min_size=1,
    ),
    st.sampled_from(["machine", "boot-disk", "public-ipv4", "egress"]),
)
def test_whatever_stands_in_an_item_it_is_a_price_above_zero_or_has_a_reason(
    said: dict[str, Any], item: str
) -> None:
    for row in ({**azure_machine(SIZE, 0.172), **said}, {**azure_around("eastus")[3], **said}):
        reading = read_item(row, item, "eastus", AT)
        assert isinstance(reading, RowRefusal) or all(price.usd_micros >= 0 for price in reading)


@pytest.mark.parametrize("row", [None, 3, "text", [], ["currencyCode"], {}])
def test_what_is_no_item_is_malformed(row: Any) -> None:  # noqa: ANN401 - whatever JSON can be
    assert read_item(row, "machine", "eastus", AT) is RowRefusal.MALFORMED
