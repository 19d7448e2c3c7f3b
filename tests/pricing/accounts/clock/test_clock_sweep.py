"""The clock swept hour by hour around every boundary: 48 months are 48 charges and 48 grants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine

from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.opening import open_account
from pricing.accounts.view import account_view
from pricing.ledger.ledger import entries
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.periods import Anchor, Period, anchor_of, period, period_number
from pricing.plans.model import Plan

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Africa/Cairo",
    "America/Juneau",
)
ANCHOR_DAYS = (28, 29, 30, 31)
MONTHS = 48
HOURS_AROUND = range(-26, 27)


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc, arg-type]


def ticks(periods: list[Period]) -> Iterator[datetime]:
    """The full hours around every start, once each; a biller that runs by the hour sees these."""
    last = None
    for each in periods:
        for hours in HOURS_AROUND:
            at = each.start + timedelta(hours=hours)
            if last is None or at > last:
                yield at
                last = at


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ANCHOR_DAYS)
def test_r13_r20_every_hour_around_every_boundary_renews_each_month_once(
    day: int, zone: str
) -> None:
    anchor = Anchor(date(2027, 1, day), zone)
    periods = [period(anchor, n) for n in range(MONTHS)]
    renewed: Counter[int] = Counter()
    for at in ticks(periods):
        number = period_number(anchor, at)
        due = range(len(renewed), number + 1)
        renewed.update(due)
        for n in due:
            assert periods[n].start == at, "renewed at the first tick that it could be"
        inside = period(anchor, number)
        assert inside.start <= at < inside.end
    assert renewed == Counter(range(MONTHS))


def written_at(conn: Connection, account_id: str, what: str) -> list[datetime]:
    """When each of an account's charges, or grants, was written."""
    return [
        each.recorded_at
        for each in entries(conn, account_id)
        if each.natural_key.endswith(f":{what}")
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_r16_r19_48_months_in_the_books_are_48_charges_and_48_grants(
    books: Engine, starter: Plan, zone: str
) -> None:
    accounts = {f"anchor-{day}": Anchor(date(2027, 1, day), zone) for day in (29, 31)}
    with transaction(books) as conn:
        for name, anchor in accounts.items():
            start = period(anchor, 0).start
            open_account(conn, name, starter, timezone=zone, now=start, gateway=REHEARSED_GATEWAY)
            starts = [period(anchor, n).start for n in range(MONTHS)]
            for boundary in starts[1:]:
                for hours in (-1, 0, 1):
                    advance(
                        conn, name, boundary + timedelta(hours=hours), gateway=REHEARSED_GATEWAY
                    )
            assert written_at(conn, name, "charge") == starts
            assert written_at(conn, name, "grant") == starts
            end = account_view(
                conn,
                name,
                period(anchor, MONTHS).start - timedelta(seconds=1),
                gateway=REHEARSED_GATEWAY,
            )
            assert end.balance_li_minutes == MONTHS * 1_800
            assert end.charged_usd_micros == MONTHS * 199_000_000


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Paris", (2027, 3, 28)),
        ("Europe/Paris", (2027, 10, 31)),
        ("America/Los_Angeles", (2027, 3, 14)),
        ("America/Juneau", (2027, 11, 7)),
        ("Pacific/Auckland", (2027, 4, 4)),
        ("Pacific/Auckland", (2027, 9, 26)),
        ("Africa/Cairo", (2027, 4, 30)),
        ("Africa/Cairo", (2027, 10, 29)),
    ],
)
@pytest.mark.parametrize("days_off", [-1, 0, 1])
def test_r12_a_sign_up_at_half_past_eleven_around_a_change_of_clocks_is_of_that_day(
    zone: str, change: tuple[int, int, int], days_off: int
) -> None:
    day = date(*change) + timedelta(days=days_off)
    at = local(zone, day.year, day.month, day.day, 23, 30)
    anchor = anchor_of(at, zone)
    assert anchor.day == day
    assert period_number(anchor, at) == 0
    assert period(anchor, 0).start <= at < period(anchor, 0).end
    assert period_number(anchor, at + timedelta(hours=1)) == 0


@pytest.mark.parametrize("zone", ZONES)
def test_r12_activation_at_00_00_of_the_anchor_day_is_charged_and_granted_once(
    books: Engine, starter: Plan, zone: str
) -> None:
    midnight = local(zone, 2027, 1, 31)
    with transaction(books) as conn:
        open_account(conn, "acme", starter, timezone=zone, now=midnight, gateway=REHEARSED_GATEWAY)
        for hours in range(26):
            advance(conn, "acme", midnight + timedelta(hours=hours), gateway=REHEARSED_GATEWAY)
        assert written_at(conn, "acme", "charge") == [midnight]
        assert written_at(conn, "acme", "grant") == [midnight]
        at_boundary = account_view(
            conn, "acme", local(zone, 2027, 2, 28), gateway=REHEARSED_GATEWAY
        )
        assert at_boundary.balance_li_minutes == 2 * 1_800
        assert at_boundary.period is not None
        assert at_boundary.period.first_day == date(2027, 2, 28)
        assert at_boundary.period.last_day == date(2027, 3, 30)


def test_r14_r15_in_the_books_the_last_second_is_the_old_cycle_and_the_next_the_new(
    books: Engine, starter: Plan
) -> None:
    zone = "Europe/Paris"
    with transaction(books) as conn:
        open_account(
            conn,
            "acme",
            starter,
            timezone=zone,
            now=local(zone, 2027, 1, 25, 10, 15),
            gateway=REHEARSED_GATEWAY,
        )
        before = account_view(
            conn, "acme", local(zone, 2027, 2, 24, 23, 59, 59), gateway=REHEARSED_GATEWAY
        )
        after = account_view(conn, "acme", local(zone, 2027, 2, 25), gateway=REHEARSED_GATEWAY)
    assert before.period is not None
    assert after.period is not None
    assert (before.period.n, after.period.n) == (0, 1)
    assert (after.period.first_day, after.period.last_day) == (date(2027, 2, 25), date(2027, 3, 24))


@pytest.mark.parametrize(
    ("instant", "zone", "anchor_day"),
    [
        # One instant, two days: the account's own zone decides (R18).
        ("2021-10-11T22:30:00+00:00", "Europe/Paris", date(2021, 10, 12)),
        ("2021-10-11T22:30:00+00:00", "America/Juneau", date(2021, 10, 1)),
        ("2021-10-11T21:59:59+00:00", "Europe/Paris", date(2021, 10, 1)),
        ("2021-10-11T22:00:00+00:00", "Europe/Paris", date(2021, 10, 12)),
        ("2021-10-11T10:59:59+00:00", "Pacific/Auckland", date(2021, 10, 1)),
        ("2021-10-11T11:00:00+00:00", "Pacific/Auckland", date(2021, 10, 12)),
        ("2016-02-29T12:00:00+00:00", "UTC", date(2016, 2, 1)),
    ],
)
def test_r17_r18_the_day_in_the_accounts_zone_says_whether_it_is_legacy(
    instant: str, zone: str, anchor_day: date
) -> None:
    assert anchor_of(datetime.fromisoformat(instant), zone).day == anchor_day


def test_r13_an_anchor_on_29_february_is_billed_on_the_28th_only_where_there_is_no_29th() -> None:
    anchor = Anchor(date(2028, 2, 29), "UTC")
    februaries = [period(anchor, 12 * year).first_day for year in range(1, 5)]
    assert [day.day for day in februaries] == [28, 28, 28, 29]
    assert {period(anchor, n).first_day.day for n in range(1, 12)} == {29}
