"""Rows of a sweep, and the same users who arrive, or who send bodies: 3,000 of them at random.

A sweep's users are there all the time. As many who arrive, stay for whole turns at their pace and
go are the same load, so its estimate is the row's. What bodies cost to send is multiplied here.
"""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from engine.clouds import CLOUDS
from engine.planning.capacity.figures import FIGURES
from engine.planning.estimate import Estimate, estimate
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import Curve, OpenProfile, Point
from engine.sweeping.sweep import sweep
from pricing.catalog import Catalog
from pricing.money import BYTES_PER_GB
from tests.engine.sweeping.singles import CATALOG, Row, alone, columns, swept

PLACES = (("aws", "us-east-1"), ("aws", "sa-east-1"), ("azure", "eastus"), ("azure", "japaneast"))
PROTOCOLS = (Protocol.HTTP, Protocol.BROWSER, Protocol.WEBSOCKET, Protocol.GRPC, Protocol.JMETER)
HEAD_BYTES = 200
MILLION = 1_000_000


def check_rows(seed: int, count: int) -> None:
    at_random = random.Random(seed)
    drawn = [_drawn(at_random) for _ in range(count)]
    rows = [row for row, _ in drawn]
    result = sweep(columns(rows), compiled=False)
    assert not result.problems
    for number, (row, stay_s) in enumerate(drawn):
        found = swept(result, number)
        assert found == alone(row), row
        assert found == _sized(_estimated(row, _arriving(row, stay_s))), (row, stay_s)
        _check_bodies(at_random, row)


def _drawn(at_random: random.Random) -> tuple[Row, int]:
    """A row, and for how many seconds each of its users stays: one turn or a few."""
    protocol = at_random.choice(PROTOCOLS)
    turn_s = -(-MILLION // FIGURES[protocol].requests_per_million_s)
    stay_s = turn_s * at_random.randint(1, 3)
    a_second = int(10 ** at_random.uniform(0, 5)) // stay_s + 1
    duration_s = int(10 ** at_random.uniform(0, 5.5))
    row = Row(a_second * stay_s, duration_s, protocol.value, *at_random.choice(PLACES))
    return row, stay_s


def _arriving(row: Row, stay_s: int) -> Scenario:
    a_second = row.users / stay_s
    arrivals = Curve((Point(0, a_second), Point(row.duration_s, a_second)))
    return replace(row.scenario(), profile=OpenProfile(arrivals, iteration_s=stay_s))


def _check_bodies(at_random: random.Random, row: Row) -> None:
    """A class whose users post, and now and then only look, with a pause of whole seconds."""
    length, posts, looks = (
        at_random.randint(0, 40_000),
        at_random.randint(1, 5),
        at_random.choice([0, 1, 3]),
    )
    pause_s = at_random.choice([1, 2, 5])
    requests = [Request("/orders", "POST", weight=posts, body="x" * length or None)]
    requests += [Request("/", weight=looks)] if looks else []
    users = UserClass("buyer", think_time_s=(pause_s, pause_s), requests=tuple(requests))
    planned = _estimated(row, replace(row.scenario(), user_classes=(users,)))
    body_bytes = -(-length * posts // (posts + looks))
    assumed = FIGURES[Protocol(row.protocol)].request_bytes
    request_bytes = max(assumed, HEAD_BYTES + body_bytes)
    sent = row.users * row.duration_s * (MILLION // pause_s)
    requests_in_all = -(-sent // MILLION)
    (egress,) = [each for each in planned.fleet.items if each.name == "egress"]
    assert row.provider is not None
    assert row.region is not None
    expected = _sending(CATALOG, row.provider, row.region, requests_in_all * request_bytes)
    assert egress.usd_micros == expected, (row, users)


def _sending(catalog: Catalog, provider: str, region: str, sent_bytes: int) -> int:
    """Micro-dollars for bytes beyond the free ones, gigabyte by gigabyte at its tier's price."""
    tiers = catalog.egress_tiers(provider, region)
    free_bytes = CLOUDS[provider].prices.free_egress_gb * BYTES_PER_GB
    exact = 0
    for number, tier in enumerate(tiers):
        begins = max(0, tier.from_gb * BYTES_PER_GB - free_bytes) if number else 0
        ends = (
            tiers[number + 1].from_gb * BYTES_PER_GB - free_bytes
            if number + 1 < len(tiers)
            else sent_bytes
        )
        exact += max(0, min(sent_bytes, ends) - begins) * tier.price.usd_micros
    return (2 * exact + BYTES_PER_GB) // (2 * BYTES_PER_GB)


def _estimated(row: Row, scenario: Scenario) -> Estimate:
    assert row.provider is not None
    assert row.region is not None
    return estimate(scenario, catalog=CATALOG, provider=row.provider, regions=[row.region])


def _sized(planned: Estimate) -> tuple[int, int, int, int, int]:
    """As ``singles.alone`` has it."""
    (charged,) = [each for each in planned.quotes if each.name == "on-demand"]
    assert charged.usd_micros is not None
    return (
        planned.requirement.injectors,
        planned.requirement.li_minutes,
        charged.usd_micros,
        planned.fleet.machines,
        planned.fleet.usd_micros,
    )


def test_rows_are_as_many_users_who_arrive_and_bodies_are_sent_at_the_price_of_egress() -> None:
    check_rows(seed=21, count=60)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_3000_rows_are_as_many_users_who_arrive_and_bodies_are_sent_at_the_price_of_egress() -> (
    None
):
    check_rows(seed=22, count=3_000)
