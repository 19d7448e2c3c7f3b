"""Billing periods, counted from an anchor."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pricing.periods import (
    Anchor,
    UnknownTimezoneError,
    anchor_of,
    check_timezone,
    first_instant,
    period,
    period_number,
)

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Africa/Cairo",
    "America/Juneau",
    "Pacific/Apia",
    "America/Havana",
)
MONTHS = 48

days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
zones = st.sampled_from(ZONES)
anchors = st.builds(Anchor, days, zones)


def paris(*args: int) -> datetime:
    return datetime(*args, tzinfo=ZoneInfo("Europe/Paris"))  # type: ignore[misc, arg-type]


def test_r12_the_period_starts_on_the_day_of_the_activation() -> None:
    anchor = anchor_of(paris(2027, 1, 25, 10, 15), "Europe/Paris")
    assert anchor == Anchor(date(2027, 1, 25), "Europe/Paris")
    assert period(anchor, 0).start == paris(2027, 1, 25)


def test_r12_the_day_of_the_activation_is_the_accounts_own() -> None:
    new_years_eve = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert anchor_of(new_years_eve, "Pacific/Auckland").day == date(2027, 1, 1)
    assert anchor_of(new_years_eve, "America/Los_Angeles").day == date(2026, 12, 31)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kolkata", "Pacific/Auckland"])
def test_r13_it_restarts_at_midnight_on_the_same_day_number(zone: str) -> None:
    anchor = Anchor(date(2027, 1, 12), zone)
    for n in range(MONTHS):
        start = period(anchor, n).start.astimezone(ZoneInfo(zone))
        assert (start.day, start.hour, start.minute) == (12, 0, 0)


def test_r14_25_january_to_24_february_inclusive() -> None:
    first = period(Anchor(date(2027, 1, 25), "Europe/Paris"), 0)
    assert (first.first_day, first.last_day) == (date(2027, 1, 25), date(2027, 2, 24))
    assert (first.start, first.end) == (paris(2027, 1, 25), paris(2027, 2, 25))


def test_r15_then_25_february_to_24_march_without_gap_or_overlap() -> None:
    anchor = Anchor(date(2027, 1, 25), "Europe/Paris")
    second = period(anchor, 1)
    assert (second.first_day, second.last_day) == (date(2027, 2, 25), date(2027, 3, 24))
    assert period(anchor, 0).end == second.start


def test_r16_the_25th_of_every_month() -> None:
    anchor = Anchor(date(2027, 1, 25), "Europe/Paris")
    assert {period(anchor, n).first_day.day for n in range(MONTHS)} == {25}


def test_r17_r18_w9_an_account_of_11_october_2021_has_calendar_months() -> None:
    anchor = anchor_of(paris(2021, 10, 11, 23, 59), "Europe/Paris")
    assert anchor.day == date(2021, 10, 1)
    assert period(anchor, 1).start == paris(2021, 11, 1)


def test_r18_w9_an_account_of_12_october_2021_has_anniversaries() -> None:
    anchor = anchor_of(paris(2021, 10, 12), "Europe/Paris")
    assert anchor.day == date(2021, 10, 12)
    assert period(anchor, 1).start == paris(2021, 11, 12)


@pytest.mark.parametrize(
    ("anchor_day", "first_days"),
    [
        ((2027, 1, 25), "01-25 02-25 03-25 04-25 05-25 06-25"),
        ((2027, 1, 28), "01-28 02-28 03-28 04-28 05-28 06-28"),
        ((2027, 1, 29), "01-29 02-28 03-29 04-29 05-29 06-29"),
        ((2027, 1, 30), "01-30 02-28 03-30 04-30 05-30 06-30"),
        ((2027, 1, 31), "01-31 02-28 03-31 04-30 05-31 06-30"),
        ((2028, 1, 31), "01-31 02-29 03-31 04-30 05-31 06-30"),
    ],
)
def test_a_short_month_does_not_move_the_months_after_it(
    anchor_day: tuple[int, int, int], first_days: str
) -> None:
    anchor = Anchor(date(*anchor_day), "UTC")
    assert " ".join(f"{period(anchor, n).first_day:%m-%d}" for n in range(6)) == first_days


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [28, 29, 30, 31])
def test_anchors_on_the_28th_to_the_31st_give_48_periods_in_48_months(day: int, zone: str) -> None:
    anchor = Anchor(date(2027, 1, day), zone)
    periods = [period(anchor, n) for n in range(MONTHS)]
    months = [(p.first_day.year, p.first_day.month) for p in periods]
    assert months == [(2027 + m // 12, m % 12 + 1) for m in range(MONTHS)]
    for one, following in pairwise(periods):
        assert one.end == following.start
        tomorrow = following.first_day + timedelta(days=1)
        assert following.first_day.day == day or tomorrow.month != following.first_day.month


def test_in_cairo_30_april_2027_begins_at_one_because_there_is_no_midnight() -> None:
    third = period(Anchor(date(2027, 1, 30), "Africa/Cairo"), 3)
    assert third.first_day == date(2027, 4, 30)
    assert third.start == datetime(2027, 4, 29, 22, tzinfo=UTC)
    assert third.start.astimezone(ZoneInfo("Africa/Cairo")).isoformat().startswith("2027-04-30T01")


def test_a_month_across_a_change_of_clocks_is_an_hour_longer_or_shorter() -> None:
    spring = period(Anchor(date(2027, 3, 12), "Europe/Paris"), 0)
    assert spring.end - spring.start == timedelta(days=30, hours=23)
    autumn = period(Anchor(date(2027, 3, 12), "Pacific/Auckland"), 0)
    assert autumn.end - autumn.start == timedelta(days=31, hours=1)


@given(anchors, st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001 - made aware below
@example(Anchor(date(2027, 1, 30), "Africa/Cairo"), datetime(2027, 4, 29, 22))  # noqa: DTZ001
def test_every_instant_lies_in_the_period_that_its_number_says(
    anchor: Anchor, naive: datetime
) -> None:
    instant = naive.replace(tzinfo=UTC)
    found = period(anchor, period_number(anchor, instant))
    assert found.start <= instant < found.end


@given(anchors, st.integers(-100, 1000))
def test_periods_tile_time(anchor: Anchor, n: int) -> None:
    one, following = period(anchor, n), period(anchor, n + 1)
    assert one.start < one.end == following.start
    assert period_number(anchor, one.start) == n
    assert period_number(anchor, one.end - timedelta(microseconds=1)) == n


@given(days, zones)
@example(date(2027, 4, 30), "Africa/Cairo")
@example(date(2011, 12, 30), "Pacific/Apia")  # a day that Samoa never had
@example(date(1919, 3, 31), "America/Toronto")  # the clocks went from 23:30 to 00:30
@example(date(2006, 10, 29), "America/St_Johns")  # ... and here from 00:01 back to 23:01
def test_the_first_instant_of_a_day_is_the_first_one_with_that_date_or_a_later_one(
    day: date, zone_name: str
) -> None:
    zone = ZoneInfo(zone_name)
    instant = first_instant(day, zone)
    assert instant.astimezone(zone).date() >= day
    assert (instant - timedelta(seconds=1)).astimezone(zone).date() < day


@pytest.mark.parametrize("name", ["Europe/Pariss", "", "localtime", "../etc/passwd", "CEST", "Eur"])
def test_what_is_no_time_zone_is_refused_with_names_that_are(name: str) -> None:
    with pytest.raises(UnknownTimezoneError, match=r"an IANA name would be right, like \w+"):
        check_timezone(name)
