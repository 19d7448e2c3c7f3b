"""EC2's limit on how fast machines are launched, on a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from kernel.clock import ManualClock
from providers.aws import AwsProvider
from providers.aws.launch_rate import LaunchRates
from providers.contract import LaunchSpec
from providers.errors import ThrottledError
from providers.rehearsal.aws_cloud import Rehearsal

MakeSpec = Callable[..., LaunchSpec]

START = datetime(2027, 1, 25, 9, 15, tzinfo=UTC)
REGION = "eu-west-1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def rates(clock: ManualClock) -> LaunchRates:
    return LaunchRates(clock)


def test_a_thousand_machines_are_launched_without_a_wait(
    rates: LaunchRates, clock: ManualClock
) -> None:
    rates.take(REGION, "a", 600)
    rates.take(REGION, "b", 400)

    assert clock.now() == START


def test_beyond_a_thousand_there_are_two_a_second(rates: LaunchRates, clock: ManualClock) -> None:
    rates.take(REGION, "a", 1_000)

    rates.take(REGION, "b", 20)
    assert clock.now() == START + timedelta(seconds=10)
    rates.take(REGION, "c", 1)
    assert clock.now() == START + timedelta(seconds=10.5)


def test_a_long_wait_is_told_and_not_slept_and_takes_no_room(
    rates: LaunchRates, clock: ManualClock
) -> None:
    rates.take(REGION, "a", 1_000)

    with pytest.raises(ThrottledError, match="room in 20 s") as caught:
        rates.take(REGION, "b", 40)
    assert clock.now() == START
    assert caught.value.facts["wait_s"] == 21

    clock.sleep(20)
    rates.take(REGION, "b", 40)
    assert clock.now() == START + timedelta(seconds=20)


def test_the_bucket_is_full_after_some_minutes_and_never_more(
    rates: LaunchRates, clock: ManualClock
) -> None:
    rates.take(REGION, "a", 1_000)
    clock.sleep(3_600)
    rates.take(REGION, "b", 1_000)

    with pytest.raises(ThrottledError):
        rates.take(REGION, "c", 1_000)


def test_a_token_takes_room_once(rates: LaunchRates, clock: ManualClock) -> None:
    rates.take(REGION, "a", 1_000)
    rates.take(REGION, "a", 1_000)

    assert clock.now() == START


def test_each_region_has_a_bucket_of_its_own(rates: LaunchRates, clock: ManualClock) -> None:
    rates.take(REGION, "a", 1_000)
    rates.take("us-east-1", "b", 1_000)

    assert clock.now() == START


def test_more_machines_than_a_bucket_holds_wait_for_a_full_one(
    rates: LaunchRates, clock: ManualClock
) -> None:
    rates.take(REGION, "a", 1_500)
    assert clock.now() == START

    with pytest.raises(ThrottledError, match="room in 251 s"):
        rates.take(REGION, "b", 2)


def test_providers_that_share_the_rates_share_the_room(
    aws: AwsProvider, rehearsal: Rehearsal, make_spec: MakeSpec
) -> None:
    before, aws._launch_rates = aws._launch_rates, LaunchRates(ManualClock(START))
    aws._launch_rates.take(REGION, "somebody else's", 1_000)
    try:
        with pytest.raises(ThrottledError, match="above the rate"):
            aws.launch(make_spec(count=50, min_count=50))
    finally:
        aws._launch_rates = before

    assert not rehearsal.requests("CreateFleet")
