"""Every row of the table of clouds is whole, and everything that has to do with clouds reads it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import click
import pytest

from engine.catalogs.price_source import PriceSource
from engine.catalogs.sources import price_source
from engine.clouds import CLOUDS, LOCAL, CloudFacts, not_offered
from engine.commands.checkup import examinations
from engine.planning.machines import host_of
from engine.runs.clouds.contract import UserCloud
from engine.runs.clouds.registry import CloudRegistry
from kernel.clock import SystemClock
from pricing.catalog import PRICED_CLOUDS, Catalog, region_near
from providers.contract import Provider
from providers.objects import ObjectStore
from tests.command_tree import groups_and_commands

BUNDLED = Catalog.bundled()
ROWS = pytest.mark.parametrize("cloud", CLOUDS.values(), ids=list(CLOUDS))


def members(protocol: type) -> set[str]:
    """What a protocol asks for."""
    return {name for name in vars(protocol) if not name.startswith("_")}


def lacks(kind: Any, protocol: type) -> set[str]:  # noqa: ANN401 - a class, or a value
    """What something does not have of a protocol."""
    own = {each.name for each in fields(kind)} if is_dataclass(kind) else set()
    return {name for name in members(protocol) if not hasattr(kind, name)} - own


def test_the_clouds_that_have_prices_are_those_that_have_facts() -> None:
    assert list(PRICED_CLOUDS) == list(CLOUDS)
    assert all(CLOUDS[name].prices is prices for name, prices in PRICED_CLOUDS.items())
    folders = {each.parent.name for each in BUNDLED.folder.glob("*/machine-types.csv")}
    assert folders == set(CLOUDS)


@ROWS
def test_it_has_figures_of_each_region_that_its_facts_name(cloud: CloudFacts) -> None:
    regions = BUNDLED.regions(cloud.name)
    for region in (cloud.prices.default_region, *cloud.prices.elsewhere):
        assert BUNDLED.offerings(cloud.name, region)
        assert BUNDLED.boot_disk(cloud.name, region).per == "month"
        assert BUNDLED.public_ipv4(cloud.name, region).per == "hour"
        tiers = BUNDLED.egress_tiers(cloud.name, region)
        assert all(first.from_gb < second.from_gb for first, second in pairwise(tiers))
        assert tiers[0].from_gb <= cloud.prices.free_egress_gb
    assert set(cloud.prices.places) <= set(regions)
    assert cloud.prices.default_region not in cloud.prices.elsewhere


@ROWS
def test_its_usual_region_stands_for_the_usual_ones_of_the_others(cloud: CloudFacts) -> None:
    prices = [each.prices for each in CLOUDS.values()]
    for other in prices:
        near = region_near(other.default_region, cloud.prices, prices)
        assert near == (None if other is cloud.prices else cloud.prices.default_region)


@ROWS
def test_its_figures_are_of_their_kind(cloud: CloudFacts) -> None:
    prices, start_up = cloud.prices, cloud.start_up
    assert 0 < start_up.low_s <= start_up.expected_s <= start_up.high_s
    assert prices.billing.minimum_s >= prices.billing.step_s >= 1
    assert prices.free_egress_gb >= 0
    assert prices.boot_disk_gib > 0
    assert prices.disk_priced_per in {"GB-month", "month"}
    assert cloud.title != cloud.name
    surcharge = prices.surcharge
    families = set(BUNDLED.families(cloud.name))
    assert surcharge is None or set(surcharge.usd_micros_per_vcpu_hour) <= families


@ROWS
def test_its_machines_say_what_its_rule_of_bandwidth_reads(cloud: CloudFacts) -> None:
    machines = BUNDLED.machine_types(cloud.name).values()
    hosts = [host_of(each) for each in machines]
    assert any(each.send_mbps is not None for each in hosts)
    limited = {each.receive_mbps is not None for each in hosts if each.send_mbps is not None}
    assert limited == {cloud.internet.limits_receiving}


@ROWS
def test_its_adapter_keeps_the_contracts(cloud: CloudFacts, tmp_path: Path) -> None:
    kind = pkgutil.resolve_name(cloud.runs)
    assert not lacks(kind, UserCloud)
    assert not lacks(get_type_hints(kind.provider, _names_of(kind))["return"], Provider)
    assert isinstance(CloudRegistry(tmp_path, SystemClock()).real[cloud.name], kind)
    cloud.check_sdk()


@ROWS
def test_its_rehearsal_can_be_begun_found_used_and_ended(cloud: CloudFacts, tmp_path: Path) -> None:
    clock, rehearsed = SystemClock(), cloud.rehearsed()
    rehearsed.check_installed()
    assert rehearsed.running(tmp_path) is None
    begun = rehearsed.start(tmp_path)
    try:
        assert rehearsed.running(tmp_path) == begun
        provider = rehearsed.provider(begun.endpoint_url, clock)
        assert not lacks(provider, Provider)
        assert provider.name == cloud.name
        assert provider.observe("run-none", (cloud.prices.default_region,)) == ()
        assert not lacks(rehearsed.objects(begun.endpoint_url, clock), ObjectStore)
    finally:
        begun.stop()
    assert rehearsed.running(tmp_path) is None


def _names_of(kind: type) -> dict[str, Any]:
    """The names that its module has for type checkers only."""
    package = importlib.import_module(f"providers.{kind.__module__.rpartition('.')[2]}")
    return {**vars(importlib.import_module(kind.__module__)), **vars(package)}


@ROWS
def test_its_price_list_says_whose_it_is(cloud: CloudFacts) -> None:
    source = price_source(cloud.name, SystemClock(), spot=True, environment={})
    try:
        assert not lacks(source, PriceSource)
        assert source.provider == cloud.name
        keys = set(source.sources(BUNDLED.offerings(*_usual(cloud))[0].as_of, ""))
        named = cloud.prices.sources
        assert keys == {named.prices, named.types or named.prices, named.spot}
    finally:
        source.close()


def _usual(cloud: CloudFacts) -> tuple[str, str]:
    return cloud.name, cloud.prices.default_region


def test_each_is_examined_connected_and_named_where_none_is_known(tmp_path: Path) -> None:
    assert list(examinations()) == [LOCAL, *CLOUDS]
    assert list(CloudRegistry(tmp_path, SystemClock()).real) == list(CLOUDS)
    assert all(name in not_offered("moon").message for name in (LOCAL, *CLOUDS))


def choices() -> Iterator[tuple[str, str, list[str]]]:
    """Every choice in which a cloud can be chosen: command, option, what is offered."""
    for words, command in groups_and_commands():
        name = " ".join(("loadmuster", *words))
        for option in command.params:
            if isinstance(option.type, click.Choice) and set(CLOUDS) & set(option.type.choices):
                yield name, option.opts[0], [str(each) for each in option.type.choices]


def test_whatever_offers_a_cloud_offers_all_of_them() -> None:
    found = list(choices())
    asked = {(name.removeprefix("loadmuster "), option) for name, option, _ in found}
    assert asked >= {
        ("estimate", "--provider"),
        ("run", "--provider"),
        ("run", "--or-on"),
        ("reap", "--provider"),
        ("calibrate", "--provider"),
        ("doctor", "--provider"),
        ("doctor", "--policy"),
        ("catalog refresh", "--provider"),
    }
    for name, option, offered in found:
        clouds = [each for each in offered if each not in {LOCAL, "any"}]
        assert clouds == list(CLOUDS), (name, option)
