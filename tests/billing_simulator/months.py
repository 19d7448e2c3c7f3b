"""Billing days by plain date arithmetic: the model's own, and none of the product's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ANNIVERSARIES_SINCE = date(2021, 10, 12)
QUARTER_HOUR = timedelta(minutes=15)


def anchor_day(activated: date, bought: date) -> date:
    """The day that periods are counted from; the first of the month for an old account."""
    return bought if activated >= ANNIVERSARIES_SINCE else bought.replace(day=1)


def day_of(instant: datetime, zone: str) -> date:
    """The local day."""
    return instant.astimezone(ZoneInfo(zone)).date()


def month_day(anchor: date, n: int) -> date:
    """The anchor's day, n months on; the month's last day if it is shorter."""
    year, month = anchor.year, anchor.month + n
    while month > 12:
        year, month = year + 1, month - 12
    for day in range(anchor.day, anchor.day - 4, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise AssertionError((anchor, n))


@lru_cache(maxsize=100_000)
def start_of(anchor: date, zone: str, n: int) -> datetime:
    """The first quarter of an hour of the n-th period's first day.

    Found by walking through the day in UTC; all changes of clocks since 2000 are on quarters.
    """
    day = month_day(anchor, n)
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while day_of(at, zone) != day:
        at += QUARTER_HOUR
    return at


def number_at(anchor: date, zone: str, instant: datetime) -> int:
    """The number of the period that holds an instant; it is not before the anchor."""
    n = 0
    while start_of(anchor, zone, n + 1) <= instant:
        n += 1
    return n
