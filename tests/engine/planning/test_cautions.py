"""What estimates of users do not count is told: new TLS connections, and steep ramps."""

from __future__ import annotations

from msgspec.structs import replace

from engine.planning.cautions import connection_cautions
from engine.planning.requirement import require
from engine.scenario import Measured, Protocol, Scenario
from engine.scenario.profile import Curve, OpenProfile, Point, closed

HTTP = Scenario(
    "shop", Protocol.HTTP, closed([(0, 100), (60, 100)]), target="https://shop.example.com"
)
DENSE = Measured(50, 40, 60, 100_000, 40, "a calibration of 2026-11-22")


def told(scenario: Scenario) -> list[str]:
    return list(connection_cautions(scenario, require(scenario)))


def test_new_tls_connections_are_not_counted_and_that_is_said() -> None:
    (sentence,) = told(HTTP)
    assert "TLS connections are taken to be kept" in sentence
    assert "times the processor, which is not counted" in sentence
    assert told(replace(HTTP, target="http://shop.example.com")) == []
    assert told(replace(HTTP, measured=DENSE)) == [], "what was measured has its own in it"
    assert told(replace(HTTP, protocol=Protocol.BROWSER)) == []


def test_more_users_at_once_than_the_processors_can_let_in_are_told() -> None:
    at_once = replace(HTTP, measured=DENSE, profile=closed([(0, 20_000), (60, 20_000)]))
    (sentence,) = told(at_once)
    assert sentence.startswith("20,000 users come within 1s: ")
    assert "which is not counted; let them come over " in sentence
    slowly = replace(at_once, profile=closed([(0, 0), (600, 20_000), (1_200, 20_000)]))
    assert told(slowly) == []
    later = replace(at_once, profile=closed([(0, 10), (60, 10), (60, 20_000), (90, 20_000)]))
    assert told(later)[0].startswith("19,990 users come within 1s: ")


def test_a_plain_connection_takes_less_and_few_users_are_no_trouble() -> None:
    at_once = replace(HTTP, measured=DENSE, profile=closed([(0, 2_000), (60, 2_000)]))
    assert len(told(at_once)) == 1
    assert told(replace(at_once, target="http://shop.example.com")) == []


def test_users_of_an_unknown_number_say_nothing_of_their_ramp() -> None:
    rate = Curve((Point(0, 100), Point(60, 100)))
    arriving = replace(HTTP, profile=OpenProfile(rate, max_users=5_000), measured=DENSE)
    assert told(arriving) == []
