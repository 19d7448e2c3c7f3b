"""How far an estimate may be off, and that its machines, LI-minutes and costs follow from that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.capacity import (
    STANDARD_INJECTOR,
    Host,
    capacity_of,
    demand_of,
    figures_of,
    outlook,
)
from engine.planning.estimate import estimate
from engine.planning.requirement import require
from engine.readers import read_scenario
from engine.scenario import MachineWishes, Measured, Protocol, Scenario, UserClass
from engine.scenario.profile import closed
from loadmuster.cli.main import cli

LOAD = closed([(0, 16_000), (600, 16_000)])
HTTP = Scenario("http", Protocol.HTTP, LOAD)
ENGINES = ("locust", "k6", "jmeter", "gatling", "custom")

scenarios = st.builds(
    Scenario,
    name=st.just("any"),
    protocol=st.sampled_from(Protocol),
    profile=st.just(LOAD),
    load_engine=st.sampled_from(ENGINES),
    locust_user=st.sampled_from(["FastHttpUser", "HttpUser"]),
    requests_per_user_s=st.none() | st.floats(0.001, 1_000),
    request_bytes=st.none() | st.integers(0, 10**7),
    response_bytes=st.none() | st.integers(0, 10**7),
    memory_mib_per_user=st.none() | st.integers(1, 500),
)
hosts = st.builds(
    Host,
    vcpus=st.integers(1, 192),
    memory_mib=st.integers(512, 1_536_000),
    send_mbps=st.none() | st.integers(1, 200_000),
    receive_mbps=st.none() | st.integers(1, 200_000),
)


@given(hosts, scenarios)
def test_a_machine_carries_no_fewer_of_the_lightest_and_no_more_of_the_heaviest(
    host: Host, scenario: Scenario
) -> None:
    demand = demand_of(scenario)
    heaviest, lightest = outlook(scenario, demand)
    expected = capacity_of(host, demand).users
    assert capacity_of(host, heaviest).users <= expected <= capacity_of(host, lightest).users


def test_jmeters_threads_are_counted_by_jmeters_figures() -> None:
    by_jmeter = replace(HTTP, load_engine="jmeter")
    required = require(by_jmeter)
    assert (required.users_per_injector, required.injectors) == (250, 64)
    assert "Azure Load Testing" in figures_of(by_jmeter).payload_source
    for fleet in estimate(by_jmeter).clouds:
        assert all(group.users_per_machine <= 1_000 for group in fleet.groups)
    large = Host(192, 1_536_000, None, None)
    assert capacity_of(large, demand_of(by_jmeter)).binding == "threads"
    assert capacity_of(large, demand_of(HTTP)).users > 1_000, "Locust has a process for each core"


@pytest.mark.parametrize("load_engine", ENGINES)
def test_what_binds_at_a_high_pace_is_the_processor_of_that_engine(load_engine: str) -> None:
    fast = replace(HTTP, load_engine=load_engine, requests_per_user_s=50.0, response_bytes=100)
    taken_us = figures_of(fast).processor_us_per_request
    assert taken_us is not None
    carried = capacity_of(STANDARD_INJECTOR, demand_of(fast))
    assert carried.users == 1_400_000 // (50 * taken_us)
    assert carried.binding == "cpu"


def test_an_engine_says_nothing_of_browsers() -> None:
    for load_engine in ENGINES:
        browser = replace(HTTP, protocol=Protocol.BROWSER, load_engine=load_engine)
        assert require(browser).users_per_injector == 8


def test_http_user_may_take_more_than_fast_http_user() -> None:
    paced = replace(HTTP, requests_per_user_s=2.0)
    fast, slow = (
        require(replace(paced, locust_user=user)) for user in ("FastHttpUser", "HttpUser")
    )
    assert fast.users_per_injector == slow.users_per_injector == 500
    assert fast.at_most.users_per_injector > slow.at_most.users_per_injector
    assert fast.at_least.users_per_injector > slow.at_least.users_per_injector


def test_large_answers_have_their_share_of_the_processor() -> None:
    usual, large = (
        demand_of(replace(HTTP, request_bytes=0, response_bytes=size))
        for size in (256 * 1_024, 10 * 1_024 * 1_024)
    )
    assert usual.processor_us_per_request == 950
    taken_us = large.processor_us_per_request
    assert taken_us is not None
    mib_us = figures_of(HTTP).processor_us_per_mib
    assert taken_us == 950 + (10 * 1_024 - 256) * mib_us // 1_024


def test_machines_and_costs_follow_from_the_range_of_what_users_take() -> None:
    for fleet in estimate(HTTP).clouds:
        counts = fleet.machines_range
        assert counts.low <= fleet.machines == counts.expected <= counts.high
        vcpus = [
            sum(
                group.count * group.offering.machine.vcpus
                for site in sites
                for group in site.groups
            )
            for sites in (fleet.lighter, fleet.sites, fleet.heavier)
        ]
        assert vcpus[0] < vcpus[1] < vcpus[2]
        machines = fleet.items[0]
        assert machines.low_usd_micros < machines.usd_micros < machines.high_usd_micros
        # A run launches the expected machines, whatever others a heavier load would take.
        assert fleet.usd_micros < fleet.own_high_usd_micros < fleet.high_usd_micros


def test_a_payload_that_is_given_has_no_range_and_what_was_measured_a_narrow_one() -> None:
    given_one = estimate(replace(HTTP, users_per_injector=400)).fleet
    machines = given_one.items[0]
    assert machines.low_usd_micros == machines.usd_micros == machines.high_usd_micros
    known = Measured(
        500, 450, 550, 1_000_000, 40, "a calibration of 2026-11-22", is_speed_known=True
    )
    by_published, by_measured = (
        estimate(each).fleet for each in (HTTP, replace(HTTP, measured=known))
    )
    assert _spread(by_measured.items[0]) < 1.3 < _spread(by_published.items[0])


@pytest.mark.parametrize("cores_alike", [False, True])
def test_wishes_keep_the_high_figure_to_what_they_allow(cores_alike: bool) -> None:
    heavy = replace(HTTP, load_engine="custom", requests_per_user_s=1.0)
    limited = replace(heavy, machines=MachineWishes(vcpus_max=64, cores_alike=cores_alike))
    for fleet in estimate(heavy).clouds:
        assert fleet.heavier != fleet.sites
    for fleet in estimate(limited).clouds:
        vcpus = sum(
            group.count * group.offering.machine.vcpus
            for site in fleet.heavier
            for group in site.groups
        )
        assert vcpus <= 64
        # Of processors that all count alike the expected load takes every one.
        assert not cores_alike or fleet.heavier == fleet.sites


@given(st.integers(1, 60_000), st.integers(0, 20_000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_r3_no_figure_of_a_range_falls_with_more_users(
    users: int, more: int, is_paced: bool
) -> None:
    scenario = HTTP if not is_paced else replace(HTTP, user_classes=(UserClass("all"),))
    before, after = (
        estimate(replace(scenario, profile=closed([(0, each), (600, each)])), provider="aws").fleet
        for each in (users, users + more)
    )
    assert before.low_usd_micros <= after.low_usd_micros
    assert before.usd_micros <= after.usd_micros
    assert before.high_usd_micros <= after.high_usd_micros
    for fleet in (before, after):
        for item in fleet.items:
            assert item.low_usd_micros <= item.usd_micros <= item.high_usd_micros


def test_an_assumed_pace_widens_what_is_sent() -> None:
    said, unsaid = (
        estimate(each, provider="aws").fleet.items[4]
        for each in (replace(HTTP, requests_per_user_s=1.0), HTTP)
    )
    assert said.usd_micros == unsaid.usd_micros
    assert unsaid.high_usd_micros == 3 * said.high_usd_micros


def test_the_document_has_the_range_of_machines(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: threads\nload: {users: 16000, duration: 10m}\n"
        "load_engine: {name: jmeter, plan: plan.jmx}\n"
    )
    (tmp_path / "plan.jmx").write_text(
        '<jmeterTestPlan><ThreadGroup><stringProp name="ThreadGroup.num_threads">${__P(users)}'
        "</stringProp></ThreadGroup></jmeterTestPlan>"
    )
    assert read_scenario(path).load_engine == "jmeter"
    result = CliRunner().invoke(cli, ["--json", "estimate", str(path)])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    counts = document["cost"]["machines"]
    assert counts["expected"] == sum(each["count"] for each in document["fleet"]) >= 16
    assert counts["low"] < counts["expected"] < counts["high"]
    assert document["requirement"]["users_per_injector"] == 250


def _spread(item: object) -> float:
    return item.high_usd_micros / item.low_usd_micros  # type: ignore[attr-defined,no-any-return]
