"""What the users of a scenario send: at the rate at which they arrive, with the bodies it says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.planning.capacity.demand import demand_of
from engine.planning.estimate import Estimate, estimate
from engine.planning.vcpu_speeds import LONE_CORE_PERCENT, speed_of
from engine.scenario import MachineWishes, Protocol, Request, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point, closed
from pricing.catalog import Catalog

CATALOG = Catalog.bundled()
BURST = OpenProfile(Curve((Point(0, 10_000), Point(600, 10_000))), iteration_s=0.02)
ARRIVALS = Scenario("burst", Protocol.HTTP, BURST, request_bytes=900, response_bytes=3_500)
ORDERS = Scenario(
    "orders",
    Protocol.HTTP,
    closed([(0, 2_000), (600, 2_000)]),
    user_classes=(
        UserClass("buyer", requests=(Request("/orders", method="POST", body="x" * 15_000),)),
    ),
)


def egress_usd_micros(estimated: Estimate) -> int:
    (item,) = [each for each in estimated.fleet.items if each.name == "egress"]
    return item.usd_micros


def vcpus_of(estimated: Estimate) -> int:
    return sum(each.offering.machine.vcpus * each.count for each in estimated.fleet.groups)


def test_an_open_model_is_sized_by_its_arrivals() -> None:
    estimated = estimate(ARRIVALS, provider="aws")
    assert estimated.load.arrivals == 6_000_000
    # 10,000 requests a second of 950 us each, at 70 % of the processors.
    alike = replace(ARRIVALS, machines=MachineWishes(cores_alike=True))
    assert 14 <= vcpus_of(estimate(alike, provider="aws")) <= 16
    assert estimated.requirement.injectors == 7
    work = sum(
        speed_of(CATALOG, each.offering.machine).percent * each.offering.machine.vcpus * each.count
        for each in estimated.fleet.groups
    )
    assert 10_000 * 950e-6 / 0.7 <= work / LONE_CORE_PERCENT <= 15
    # 6,000,000 requests of 900 bytes at 0.09 USD a GB.
    assert egress_usd_micros(estimated) == 486_000


def test_users_stay_under_the_cap_of_an_open_model() -> None:
    profile = OpenProfile(Curve((Point(0, 200), Point(660, 200))), iteration_s=2.0, max_users=50)
    assert profile.peak_users == 50
    assert profile.user_seconds == 33_000
    ramp = OpenProfile(Curve((Point(0, 0), Point(100, 100))), iteration_s=1.0, max_users=50)
    assert ramp.user_seconds == pytest.approx(50 * 50 / 2 + 50 * 50)


@given(
    levels=st.lists(st.floats(0, 1_000), min_size=2, max_size=8),
    cap=st.floats(0, 1_000),
    at_s=st.floats(0, 1),
)
def test_a_curve_that_is_cut_off_is_the_lesser_of_the_two(
    levels: list[float], cap: float, at_s: float
) -> None:
    curve = Curve(tuple(Point(10.0 * n, level) for n, level in enumerate(levels)))
    cut = curve.at_most(cap)
    assert all(a.at_s <= b.at_s for a, b in pairwise(cut.points))
    t_s = at_s * curve.duration_s
    assert cut.level_at(t_s) == pytest.approx(min(curve.level_at(t_s), cap), abs=1e-6)


@pytest.mark.parametrize(
    ("think_time_s", "told", "a_million_s"),
    [(1.0, None, 50_000_000), (0.01, None, 100_000_000), (1.0, 0.5, 50_000_000)],
)
def test_each_arrival_makes_a_request_at_least(
    think_time_s: float, told: float | None, a_million_s: int
) -> None:
    users = (UserClass("buyer", think_time_s=(think_time_s, think_time_s)),)
    scenario = replace(ARRIVALS, user_classes=users, requests_per_user_s=told)
    assert demand_of(scenario).requests_per_million_s == a_million_s


def test_what_nobody_says_of_an_iteration_is_one_request_and_is_told() -> None:
    demand = demand_of(ARRIVALS)
    assert demand.requests_per_million_s == 50_000_000
    assert dict(demand.unsaid)["requests_per_user_second"] == (
        "the scenario does not say how many requests a user makes; assumed 50 a second and user"
    )


def test_the_bodies_that_a_scenario_says_are_counted() -> None:
    estimated = estimate(ORDERS, provider="aws")
    # 1,200,000 requests of 15,200 bytes at 0.09 USD a GB.
    assert egress_usd_micros(estimated) == 1_641_600
    said = {each.field: each.reason for each in estimated.unknown}["scenario.payload.request_bytes"]
    assert said == (
        "of it the scenario says the bodies, 15,000 bytes on average; assumed 15,200 bytes"
    )


def test_only_what_is_assumed_of_a_request_has_a_range() -> None:
    (item,) = [
        each for each in estimate(ORDERS, provider="aws").fleet.items if each.name == "egress"
    ]
    known_bytes = 1_200_000 * 15_000
    assert item.high_usd_micros == (known_bytes + 4 * 1_200_000 * 200) * 90_000 // 10**9


def test_bodies_fill_the_network_too() -> None:
    large = replace(
        ORDERS, user_classes=(UserClass("up", requests=(Request("/", "PUT", body="x" * 10**6),)),)
    )
    assert estimate(large).requirement.binding == "network"


def test_a_longer_body_never_makes_a_request_smaller() -> None:
    def sent_bytes(body: str) -> int:
        users = (UserClass("buyer", requests=(Request("/"), Request("/", "POST", body=body))),)
        return demand_of(replace(ORDERS, user_classes=users)).request_bytes

    sizes = [sent_bytes("x" * length) for length in (0, 1, 100, 1_600, 2_000, 20_000)]
    assert sizes == sorted(sizes)


def test_classes_that_pause_for_less_send_more_of_the_bodies() -> None:
    quick = UserClass("quick", think_time_s=(1, 1), requests=(Request("/", body="x" * 4_000),))
    slow = UserClass("slow", think_time_s=(3, 3), requests=(Request("/"),))
    demand = demand_of(replace(ORDERS, user_classes=(quick, slow)))
    assert demand.body_bytes == 3_000


def test_what_bounds_the_network_bounds_the_processor() -> None:
    chat = Scenario("chat", Protocol.WEBSOCKET, closed([(0, 16_000), (600, 16_000)]))
    said = replace(chat, requests_per_user_s=0.1)
    assumed, written = estimate(chat, provider="aws"), estimate(said, provider="aws")
    assert assumed.requirement.injectors == written.requirement.injectors == 2
    assert assumed.fleet.usd_micros == written.fleet.usd_micros
    alike = replace(chat, machines=MachineWishes(cores_alike=True))
    assert vcpus_of(estimate(alike, provider="aws")) == 3
