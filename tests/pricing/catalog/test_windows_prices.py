"""No price of the catalogue is a Windows price under a Linux name.

What a size costs in a region is its own level and the region's, nearly; a Windows price is that and
Azure's meter for the licence on top. Levels come from siblings: sizes of one letter, processor
maker and version.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import median

import pytest

from pricing.catalog import Catalog

Prices = dict[str, dict[str, float]]
"""Of one group of siblings: micro-dollars an hour by size and region."""

CATALOG = Catalog.bundled()
NAME = re.compile(r"Standard_([BDF])\d+(?:-\d+)?([a-z]*)(?:_v(\d))?")
# Windows' licence, micro-dollars for a processor and hour: of B sizes, and of all others.
# https://azure.microsoft.com/pricing/details/virtual-machines/windows/
METERS = {"B": 4_600}
OTHER_METER = 46_000
WITHIN = 0.03
"""How far from the meter a difference may be and still be taken for it."""


def siblings() -> Mapping[tuple[str, str, str], Prices]:
    groups: defaultdict[tuple[str, str, str], Prices] = defaultdict(lambda: defaultdict(dict))
    for region in CATALOG.regions("azure"):
        for offering in CATALOG.offerings("azure", region):
            name = offering.machine.name
            found = NAME.match(name)
            assert found is not None, name
            letter, additions, version = found.groups()
            maker = next((each for each in "ap" if each in additions), "")
            groups[letter, maker, version or "1"][name][region] = offering.hourly_usd_micros
    return groups


GROUPS = siblings()


def levels(prices: Prices) -> tuple[dict[str, float], dict[str, float]]:
    """Of sizes and regions: a price is about the product of both."""
    sizes = {name: median(own.values()) for name, own in prices.items()}
    regions: dict[str, float] = {}
    for _ in range(10):
        in_regions: defaultdict[str, list[float]] = defaultdict(list)
        for name, own in prices.items():
            for region, price in own.items():
                in_regions[region].append(price / sizes[name])
        regions = {region: median(found) for region, found in in_regions.items()}
        sizes = {
            name: median(price / regions[region] for region, price in own.items())
            for name, own in prices.items()
        }
    return sizes, regions


def windows_prices(letter: str, prices: Prices) -> Iterator[tuple[str, str]]:
    """Sizes and regions whose price is the siblings' level and the meter."""
    machines = CATALOG.machine_types("azure")
    sizes, regions = levels(prices)
    for name, own in prices.items():
        meter = METERS.get(letter, OTHER_METER) * machines[name].vcpus
        for region, price in own.items():
            more = price - sizes[name] * regions[region]
            if abs(more - meter) < WITHIN * meter:
                yield name, region


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_no_linux_price_is_the_level_of_its_siblings_and_a_windows_meter(
    group: tuple[str, str, str],
) -> None:
    assert list(windows_prices(group[0], GROUPS[group])) == []


@pytest.mark.parametrize(
    ("name", "region", "usd_micros"),
    [
        ("Standard_B2ats_v2", "westus2", 9_400),
        ("Standard_B2ats_v2", "southafricanorth", 12_200),
        ("Standard_B2ats_v2", "switzerlandwest", 15_400),
        ("Standard_B2ts_v2", "centralindia", 11_200),
        ("Standard_B2ts_v2", "australiaeast", 13_200),
        ("Standard_B2pts_v2", "southcentralus", 10_100),
        ("Standard_B2pts_v2", "australiaeast", 10_600),
        ("Standard_B2ls_v2", "uaecentral", 65_200),
    ],
)
def test_a_windows_price_would_be_found(name: str, region: str, usd_micros: int) -> None:
    offering = CATALOG.offering("azure", region, name)
    assert offering.hourly_usd_micros == usd_micros
    group = next(each for each, prices in GROUPS.items() if name in prices)
    spoilt: Prices = {each: dict(own) for each, own in GROUPS[group].items()}
    spoilt[name][region] += METERS["B"] * offering.machine.vcpus
    assert list(windows_prices("B", spoilt)) == [(name, region)]
