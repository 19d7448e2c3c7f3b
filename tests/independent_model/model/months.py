"""Days and cycles: the n-th month from the anchor, at midnight in the account's zone (C6)."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LEGACY_BEFORE = date(2021, 10, 12)
"""Accounts activated before have calendar months (R17, R18)."""


def local_day(at: datetime, zone: str) -> date:
    """The day in a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=50_000)
def day_start(day: date, zone: str) -> datetime:
    """The first instant of a day; where the clocks skip midnight, the first that there is (C6).

    Found by halving, with nothing known of offsets but what time it is there.
    """
    place = ZoneInfo(zone)
    noon = datetime.combine(day, time(12), UTC)
    before, after = int((noon - timedelta(hours=40)).timestamp()), int(noon.timestamp()) + 100_000
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, place).date() >= day:
            after = middle
        else:
            before = middle
    return datetime.fromtimestamp(after, UTC)


def months_on(day: date, months: int) -> date:
    """The same day number so many months on, or the last day of a shorter month (C6)."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def cycle_start(anchor: date, number: int, zone: str, *, legacy: bool) -> datetime:
    """When the cycle of that number begins: from the anchor, or on the first (R13, R17)."""
    if legacy:
        return day_start(months_on(anchor.replace(day=1), number), zone)
    return day_start(months_on(anchor, number), zone)


def calendar_month(at: datetime, zone: str) -> tuple[datetime, datetime]:
    """The calendar month around an instant, in a zone (C8)."""
    first = local_day(at, zone).replace(day=1)
    return day_start(first, zone), day_start(months_on(first, 1), zone)
