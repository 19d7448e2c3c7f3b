"""One product of AWS's price list is a price of the catalogue, or says why it is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.refreshing.aws_products import (
    machine_filters,
    open_product,
    read_around,
    read_machine,
    read_spot,
)
from pricing.refreshing.aws_types import read_type
from pricing.refreshing.price_list_rows import ListedPrice, Reading, RowRefusal, chosen
from tests.engine.catalogs.shapes import LOCATIONS, aws_around, aws_machine, aws_term

AROUND = aws_around("us-east-1")
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def read(text: str, region: str = "us-east-1") -> Reading:
    product = open_product(text)
    assert product is not None
    return read_machine(product, region, AT)


def around(text: str, item: str, region: str = "us-east-1") -> Reading:
    product = open_product(text)
    assert product is not None
    return read_around(product, item, region, LOCATIONS[region], AT)


def price_of(reading: Reading) -> int:
    assert isinstance(reading, tuple)
    (price,) = reading
    return price.usd_micros


def test_a_linux_machine_on_demand_is_a_price_with_its_name() -> None:
    (price,) = read(aws_machine("c7i.large", "0.0892"))
    assert isinstance(price, ListedPrice)
    assert (price.item, price.name, price.usd_micros) == ("machine", "c7i.large", 89_200)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"operatingSystem": "Windows"}, RowRefusal.NOT_LINUX),
        ({"operatingSystem": "RHEL"}, RowRefusal.NOT_LINUX),
        ({"operatingSystem": "SUSE"}, RowRefusal.NOT_LINUX),
        ({"operatingSystem": "Ubuntu Pro"}, RowRefusal.NOT_LINUX),
        ({"tenancy": "Dedicated"}, RowRefusal.DEDICATED),
        ({"tenancy": "Host"}, RowRefusal.DEDICATED),
        ({"tenancy": "shared"}, RowRefusal.DEDICATED),
        ({"preInstalledSw": "SQL Web"}, RowRefusal.SOFTWARE),
        ({"capacitystatus": "AllocatedCapacityReservation"}, RowRefusal.CAPACITY),
        ({"capacitystatus": "UnusedCapacityReservation"}, RowRefusal.CAPACITY),
        ({"marketoption": "Spot"}, RowRefusal.RESERVED),
        ({"regionCode": "us-east-2"}, RowRefusal.OTHER_REGION),
        ({"locationType": "AWS Local Zone"}, RowRefusal.NOT_IN_A_REGION),
        ({"locationType": "AWS Wavelength Zone"}, RowRefusal.NOT_IN_A_REGION),
        (
            {"family": "Compute Instance (bare metal)", "tenancy": "Dedicated"},
            RowRefusal.BARE_METAL,
        ),
        ({"family": "Dedicated Host"}, RowRefusal.OTHER_PRODUCT),
        ({"usd": "0"}, RowRefusal.FREE),
        ({"usd": "0.0"}, RowRefusal.FREE),
        ({"unit": "Quantity"}, RowRefusal.UNIT),
        ({"currency": "CNY"}, RowRefusal.NOT_USD),
        ({"effective": "2026-12-01T00:00:00Z"}, RowRefusal.FUTURE),
        ({"usd": "-1.0"}, RowRefusal.MALFORMED),
        ({"usd": "NaN"}, RowRefusal.MALFORMED),
        ({"usd": "dear"}, RowRefusal.MALFORMED),
        ({"effective": "lately"}, RowRefusal.MALFORMED),
        (
            {"terms": {"OnDemand": {"T": {"effectiveDate": "2026-01-01T00:00:00Z"}}}},
            RowRefusal.MALFORMED,
        ),
    ],
    ids=lambda value: (
        "" if isinstance(value, RowRefusal) else "-".join(map(str, value.values()))[:40]
    ),
)
def test_a_trap_is_left_out_with_its_reason(said: dict[str, Any], reason: RowRefusal) -> None:
    assert read(aws_machine(**{"name": "c7i.large", "usd": "0.0892", **said})) is reason


def test_a_product_that_is_only_reserved_has_no_price_on_demand() -> None:
    reserved = {"Reserved": aws_term("X", [("0", "Inf", "0.05")], "Hrs")}
    assert read(aws_machine("c7i.large", "0.08", terms=reserved)) is RowRefusal.RESERVED


def test_bare_metal_is_known_by_its_name_too() -> None:
    assert read(aws_machine("m7i.metal-24xl", "4.8384")) is RowRefusal.BARE_METAL


@pytest.mark.parametrize(
    "name", ["p5.48xlarge", "r7i.large", "x2idn.16xlarge", "trn1.2xlarge", "mac2"]
)
def test_only_families_for_load_injectors_are_taken(name: str) -> None:
    assert read(aws_machine(name, "1.00")) is RowRefusal.NOT_FOR_LOAD


def test_the_newest_term_that_is_in_force_counts() -> None:
    terms = {
        "OnDemand": {
            **aws_term("S", [("0", "Inf", "0.10")], "Hrs", effective="2025-01-01T00:00:00Z"),
            **aws_term("S", [("0", "Inf", "0.11")], "Hrs", code="NEWER"),
            **aws_term(
                "S", [("0", "Inf", "0.12")], "Hrs", effective="2027-01-01T00:00:00Z", code="LATER"
            ),
        }
    }
    assert price_of(read(aws_machine("c7i.large", "0", terms=terms))) == 110_000


def test_of_two_products_of_one_type_the_order_does_not_decide() -> None:
    plain = read(aws_machine("c7i.large", "0.0892", sku="A"))
    other = read(aws_machine("c7i.large", "0.0981", sku="Z", operation="RunInstances:0g00"))
    assert isinstance(plain, tuple)
    assert isinstance(other, tuple)
    assert chosen([*plain, *other]) == chosen([*other, *plain]) == list(plain)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"product": 3}', '{"product": {"sku": "X", "attributes": []}}', "{"],
)
def test_what_is_no_product_is_not_opened(text: str) -> None:
    assert open_product(text) is None


def test_the_filters_ask_for_what_is_checked_with_the_very_same_values() -> None:
    asked = machine_filters("eu-west-1")
    attributes = json.loads(aws_machine("c7i.large", "1.0", "eu-west-1"))["product"]["attributes"]
    assert asked.pop("productFamily") == "Compute Instance"
    assert all(attributes[field] == value for field, value in asked.items())
    assert len(asked) == 6


def test_what_surrounds_a_machine_is_found_by_what_it_says() -> None:
    disk, used, idle, out, nat_hour, nat_bytes = aws_around("us-east-1")
    assert price_of(around(disk, "boot-disk")) == 81_000
    assert price_of(around(used, "public-ipv4")) == 5_000
    assert around(idle, "public-ipv4") is RowRefusal.OTHER_PRODUCT
    assert price_of(around(nat_hour, "nat-hour")) == 48_000
    assert price_of(around(nat_bytes, "nat-hour")) == 46_000
    tiers = around(out, "egress")
    assert isinstance(tiers, tuple)
    assert [(tier.from_gb, tier.usd_micros) for tier in tiers] == [
        (0, 90_000),
        (10_240, 85_000),
        (51_200, 70_000),
        (153_600, 50_000),
    ]
    assert around(out, "egress", "eu-west-1") is RowRefusal.OTHER_REGION


def test_a_spot_price_holds_in_its_zone_and_for_linux() -> None:
    row = {
        "InstanceType": "c7i.large",
        "AvailabilityZone": "us-east-1a",
        "SpotPrice": "0.0357004",
        "ProductDescription": "Linux/UNIX",
        "Timestamp": AT,
    }
    (price,) = read_spot(row)
    assert isinstance(price, ListedPrice)
    assert (price.name, price.zone, price.usd_micros) == ("c7i.large", "us-east-1a", 35_700)
    assert read_spot({**row, "ProductDescription": "Windows"}) is RowRefusal.NOT_LINUX
    assert read_spot({**row, "InstanceType": "p5.48xlarge"}) is RowRefusal.NOT_FOR_LOAD
    assert read_spot({**row, "SpotPrice": "0"}) is RowRefusal.FREE
    assert read_spot({"InstanceType": "c7i.large"}) is RowRefusal.MALFORMED


def test_a_machine_type_has_the_network_of_all_its_cards() -> None:
    entry = {
        "InstanceType": "c6in.32xlarge",
        "BareMetal": False,
        "BurstablePerformanceSupported": False,
        "VCpuInfo": {"DefaultVCpus": 128},
        "MemoryInfo": {"SizeInMiB": 262_144},
        "ProcessorInfo": {"SupportedArchitectures": ["i386", "x86_64"]},
        "NetworkInfo": {
            "NetworkCards": [
                {"BaselineBandwidthInGbps": 100.0, "PeakBandwidthInGbps": 100.0},
                {"BaselineBandwidthInGbps": 100.0, "PeakBandwidthInGbps": 100.0},
            ]
        },
    }
    machine = read_type(entry)
    assert machine is not None
    assert (machine.family, machine.vcpus, machine.architecture) == ("c6in", 128, "x86_64")
    assert (machine.network_baseline_mbps, machine.network_burst_mbps) == (200_000, 200_000)
    without = read_type({**entry, "NetworkInfo": {"NetworkPerformance": "Up to 5 Gigabit"}})
    assert without is not None
    assert without.network_baseline_mbps is None
    assert read_type({**entry, "BareMetal": True}) is None
    assert read_type({**entry, "ProcessorInfo": {"SupportedArchitectures": ["i386"]}}) is None
    assert read_type({"InstanceType": "c9.large"}) is None


@given(st.data())
def test_whatever_stands_in_a_product_it_is_a_price_or_has_a_reason(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from([aws_machine("c7i.large", "0.1"), *AROUND])))
    junk = st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.integers())
    part = document
    for _ in range(data.draw(st.integers(0, 6))):
        inner = [value for value in part.values() if isinstance(value, dict) and value]
        if not inner:
            break
        part = data.draw(st.sampled_from(inner))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(junk)
    product = open_product(json.dumps(document))
    if product is None:
        return
    for reading in (
        read_machine(product, "us-east-1", AT),
        *(
            read_around(product, item, "us-east-1", LOCATIONS["us-east-1"], AT)
            for item in ("boot-disk", "public-ipv4", "egress", "nat-hour")
        ),
    ):
        assert isinstance(reading, RowRefusal) or all(price.usd_micros >= 0 for price in reading)
