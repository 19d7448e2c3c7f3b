"""How many users one machine carries, and what binds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.capacity import (
    FIGURES,
    STANDARD_INJECTOR,
    Capacity,
    Host,
    bounds_of,
    capacity_of,
    demand_of,
)
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed

LOAD = closed([(0, 100), (60, 100)])
HTTP = Scenario("http", Protocol.HTTP, LOAD)


def scenario_of(protocol: Protocol) -> Scenario:
    return Scenario(protocol.value, protocol, LOAD)


hosts = st.builds(
    Host,
    vcpus=st.integers(1, 192),
    memory_mib=st.integers(512, 1_536_000),
    send_mbps=st.none() | st.integers(1, 200_000),
    receive_mbps=st.none() | st.integers(1, 200_000),
)
paces = st.none() | st.floats(0.001, 1_000)
scenarios = st.builds(
    Scenario,
    name=st.just("any"),
    protocol=st.sampled_from(Protocol),
    profile=st.just(LOAD),
    requests_per_user_s=paces,
    request_bytes=st.none() | st.integers(0, 10**7),
    response_bytes=st.none() | st.integers(0, 10**7),
    connections_per_user=st.none() | st.integers(1, 100),
)


@pytest.mark.parametrize(
    ("protocol", "users", "binding"),
    [
        (Protocol.HTTP, 500, "cpu"),
        (Protocol.GRPC, 500, "cpu"),
        (Protocol.BROWSER, 8, "cpu"),
        (Protocol.SELENIUM, 8, "cpu"),
        (Protocol.STREAMING, 8, "cpu"),
        (Protocol.POSTMAN, 20, "cpu"),
        (Protocol.JMETER, 250, "cpu"),
        (Protocol.WEBSOCKET, 14_736, "cpu"),
    ],
)
def test_a_standard_injector_carries_the_published_payload(
    protocol: Protocol, users: int, binding: str
) -> None:
    demand = demand_of(scenario_of(protocol))
    assert capacity_of(STANDARD_INJECTOR, demand) == Capacity(users, binding)


def test_every_protocol_has_figures_with_a_source() -> None:
    assert set(FIGURES) == set(Protocol)
    assert all(figures.payload_source for figures in FIGURES.values())


def test_the_payload_goes_by_virtual_processors() -> None:
    demand = demand_of(HTTP)
    assert capacity_of(Host(1, 4_096, None, None), demand) == Capacity(250, "cpu")
    assert capacity_of(Host(16, 32_768, None, None), demand) == Capacity(4_000, "cpu")


def test_a_large_machine_runs_out_of_sockets_to_one_destination() -> None:
    demand = demand_of(HTTP)
    assert capacity_of(Host(192, 393_216, None, None), demand) == Capacity(28_232, "sockets")
    two_each = replace(HTTP, connections_per_user=2)
    assert capacity_of(Host(192, 393_216, None, None), demand_of(two_each)).users == 14_116


def test_memory_binds_browsers_on_a_small_machine() -> None:
    # 90 % of 2,048 MiB less 256 MiB for the system, at 400 MiB a browser.
    demand = demand_of(scenario_of(Protocol.BROWSER))
    assert capacity_of(Host(2, 2_048, None, None), demand) == Capacity(3, "memory")
    assert capacity_of(Host(2, 256, None, None), demand) == Capacity(0, "memory")


def test_many_requests_bind_the_processor_below_the_payload() -> None:
    # 70 % of two processors for a second, at 0.95 ms a request: 1,473 requests, 10 for each user.
    demand = demand_of(replace(HTTP, requests_per_user_s=10.0))
    assert capacity_of(STANDARD_INJECTOR, demand) == Capacity(147, "cpu")
    assert demand.unsaid[0][0] == "payload.request_bytes"


def test_large_responses_bind_the_network_it_can_hold() -> None:
    # 781 Mbit/s at 1 MB a second and user.
    demand = demand_of(replace(HTTP, requests_per_user_s=1.0, response_bytes=1_000_000))
    assert capacity_of(STANDARD_INJECTOR, demand) == Capacity(97, "network")
    sending_only = Host(2, 4_096, send_mbps=100, receive_mbps=None)
    assert capacity_of(sending_only, demand) == Capacity(500, "cpu")


def test_a_websocket_that_is_paced_needs_processor_too() -> None:
    chatty = replace(scenario_of(Protocol.WEBSOCKET), requests_per_user_s=1.0)
    assert capacity_of(STANDARD_INJECTOR, demand_of(chatty)) == Capacity(1_473, "cpu")


def test_think_times_bound_the_pace_from_above() -> None:
    classes = (
        UserClass("slow", weight=3, think_time_s=(2.0, 6.0), requests=(Request("/"),)),
        UserClass("fast", weight=1, think_time_s=(0.5, 0.5), requests=(Request("/"),)),
    )
    demand = demand_of(replace(HTTP, user_classes=classes))
    # (3 x 1/4 + 1 x 2) / 4 requests a second.
    assert demand.requests_per_million_s == 687_500
    assert "requests_per_user_second" not in dict(demand.unsaid)


def test_no_think_time_leaves_the_pace_assumed_and_says_so() -> None:
    classes = (UserClass("eager", think_time_s=(0.0, 0.0)),)
    demand = demand_of(replace(HTTP, user_classes=classes))
    assert demand.unsaid[0] == (
        "requests_per_user_second",
        "the user class 'eager' has no think time; assumed 1 a second and user",
    )


def test_what_the_scenario_says_is_not_assumed() -> None:
    said = replace(HTTP, requests_per_user_s=0.5, request_bytes=0, response_bytes=10)
    assert demand_of(said).unsaid == ()


@given(hosts, hosts, scenarios)
def test_a_machine_with_more_of_everything_never_carries_fewer(
    one: Host, other: Host, scenario: Scenario
) -> None:
    def most(a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else max(a, b)

    larger = Host(
        max(one.vcpus, other.vcpus),
        max(one.memory_mib, other.memory_mib),
        most(one.send_mbps, other.send_mbps),
        most(one.receive_mbps, other.receive_mbps),
    )
    demand = demand_of(scenario)
    assert capacity_of(larger, demand).users >= capacity_of(one, demand).users >= 0


@given(hosts, scenarios, st.floats(1, 10))
def test_a_faster_user_never_makes_room_for_more(
    host: Host, scenario: Scenario, factor: float
) -> None:
    pace = scenario.requests_per_user_s or 1.0
    slow = replace(scenario, requests_per_user_s=pace)
    fast = replace(scenario, requests_per_user_s=pace * factor)
    assert capacity_of(host, demand_of(fast)).users <= capacity_of(host, demand_of(slow)).users


@given(hosts, scenarios)
def test_what_binds_is_the_first_of_all_bounds(host: Host, scenario: Scenario) -> None:
    demand = demand_of(scenario)
    bounds = bounds_of(host, demand)
    assert capacity_of(host, demand) == bounds[0]
    assert [each.users for each in bounds] == sorted(each.users for each in bounds)
