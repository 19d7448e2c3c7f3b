"""Each vendor's own published arithmetic, as its tariff file carries it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from pricing.tariffs import Example, Tariff, differences, load_tariff, tariff_names, tariff_versions

EXAMPLES = [
    (version, example)
    for name in tariff_names()
    for version in tariff_versions(name)
    for example in version.examples
]


@pytest.mark.parametrize(
    ("tariff", "example"),
    EXAMPLES,
    ids=[f"{tariff.name}: {example.says}" for tariff, example in EXAMPLES],
)
def test_the_vendor_s_own_example(tariff: Tariff, example: Example) -> None:
    assert list(differences(replace(tariff, examples=(example,)))) == []


@pytest.mark.parametrize("name", tariff_names())
def test_a_tariff_has_its_vendor_s_example_or_says_why_not(name: str) -> None:
    versions = tariff_versions(name)
    has_examples = any(version.examples for version in versions)
    assert has_examples == (versions[-1].no_example is None)
    for version in versions:
        for example in version.examples:
            assert example.source.startswith(("https://", "http://")), example.says


def test_most_vendors_publish_an_example() -> None:
    without = {name for name in tariff_names() if load_tariff(name).no_example}
    assert without == {
        "blazemeter-server-hours",
        "flood-node",
        "loadforge-minutes",
        "loadster",
        "on-demand",
        "realload",
    }


def test_an_example_that_does_not_hold_is_told_with_both_figures() -> None:
    alibaba = load_tariff("alibaba-pts")
    example = alibaba.examples[0]
    wrong = replace(example, quantity=Decimal("10000.5"), usd_micros=4_610_000)
    assert list(differences(replace(alibaba, examples=(wrong,)))) == [
        "500 VUs for 20 minutes are 10,000 VUM: 10000.0 VUM, not 10000.5",
        "500 VUs for 20 minutes are 10,000 VUM: 4.60, not 4.61 USD",
    ]
    unpriced = load_tariff("loadview")
    priced = replace(unpriced.examples[0], usd_micros=10_000)
    assert list(differences(replace(unpriced, examples=(priced,)))) == [
        "a 3-minute test on 10 LIs takes 50 LI minutes: no price, not 0.01 USD"
    ]
