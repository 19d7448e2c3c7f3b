"""Billing periods: the n-th month from an anchor, in an account's own time zone (R12-R18).

A period is computed from the anchor, never from the period before it: an account anchored on
31 January is billed on 28 February and then again on 31 March. Periods are half-open,
``[start, end)``, and begin with the first instant of their first day, which is not always 00:00:
where the clocks go forward over midnight (Cairo, 30 April 2027), the day begins at 01:00.
"""

from __future__ import annotations

import calendar
import functools
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from kernel.errors import BadInputError
from kernel.near_names import near_names

FIRST_ANNIVERSARY_DAY = date(2021, 10, 12)
"""Accounts activated before this day have calendar months for periods (R17, R18)."""

BILLABLE_YEARS = range(2000, 2200)
"""Anything else is a slip of the keyboard, or of a clock."""

_MONTHS_PER_YEAR = 12
_NOT_PLACES = frozenset({"Factory", "localtime"})


class UnknownTimezoneError(BadInputError):
    """Not a name in the IANA time zone database."""

    code = "unknown_timezone"


class YearOutOfRangeError(BadInputError):
    """A year in which nobody is billed; facts: ``year``."""

    code = "year_out_of_range"


class Anchor(Struct, frozen=True, gc=False):
    """What periods are counted from: the first day of period 0, in an IANA time zone."""

    day: date
    timezone: str

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone's rules."""
        return zoneinfo.ZoneInfo(self.timezone)


class Period(Struct, frozen=True):
    """A billing period.

    Attributes:
        n: Its number, counted from the anchor's.
        start: Its first instant, in UTC.
        end: The first instant after it, in UTC.
        first_day: Its first day, as people say it.
        last_day: Its last day, inclusive: 25 January to 24 February (R14).
    """

    n: int
    start: datetime
    end: datetime
    first_day: date
    last_day: date


def check_timezone(name: str) -> str:
    """The name of an IANA time zone, as given.

    Raises:
        UnknownTimezoneError: If it is none; names the nearest ones.
    """
    if name not in _timezones():
        near = near_names(name, sorted(_timezones())) or ["Europe/Paris", "UTC"]
        raise UnknownTimezoneError(
            f"time zone {name!r} is not known; an IANA name would be right, like {', '.join(near)}",
            timezone=name,
        )
    return name


@functools.cache
def _timezones() -> frozenset[str]:
    """Every zone's name; reading the database's index takes a while."""
    return frozenset(zoneinfo.available_timezones() - _NOT_PLACES)


def check_year(year: int, *, where: str) -> None:
    """Whether a date may be reckoned with.

    Raises:
        YearOutOfRangeError: If not; ``where`` names what it came from.
    """
    if year not in BILLABLE_YEARS:
        raise YearOutOfRangeError(
            f"{where}: the year {year} will not do; {BILLABLE_YEARS[0]} to {BILLABLE_YEARS[-1]}"
            " would",
            year=year,
        )


def anchor_of(activated_at: datetime, timezone: str) -> Anchor:
    """The anchor of an account that was activated at that instant.

    The day of the activation, as the account's zone has it (R12); the first of that month for an
    account from before 12 October 2021 (R17, R18).
    """
    day = activated_at.astimezone(zoneinfo.ZoneInfo(timezone)).date()
    return Anchor(day.replace(day=1) if day < FIRST_ANNIVERSARY_DAY else day, timezone)


def period(anchor: Anchor, n: int) -> Period:
    """The n-th period from the anchor (R13-R15)."""
    first_day, next_first_day = _first_day(anchor, n), _first_day(anchor, n + 1)
    return Period(
        n=n,
        start=first_instant(first_day, anchor.zone),
        end=first_instant(next_first_day, anchor.zone),
        first_day=first_day,
        last_day=next_first_day - timedelta(days=1),
    )


def period_number(anchor: Anchor, instant: datetime) -> int:
    """The number of the period that holds ``instant``; negative before the anchor."""
    day = instant.astimezone(anchor.zone).date()
    months = _month_index(day) - _month_index(anchor.day)
    # One month to either side: the day may come before the anchor's, and where the clocks go back
    # over midnight, one date is left, entered again, and left again.
    return next(
        n
        for n in (months + 1, months, months - 1)
        if first_instant(_first_day(anchor, n), anchor.zone) <= instant
    )


def first_instant(day: date, zone: zoneinfo.ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC: 00:00, or where the clock lands that skips it."""
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # There is no 00:00. By the rules of after the jump it lies before the jump, by those of before
    # the jump it lies after: the jump is in between, on a whole second.
    before, after = midnight.replace(fold=1).astimezone(UTC), instant
    while (gap := (after - before) // timedelta(seconds=1)) > 1:
        middle = before + timedelta(seconds=gap // 2)
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after


def _first_day(anchor: Anchor, n: int) -> date:
    """The anchor's day number in the n-th month after it, or that month's last day."""
    year, month_before = divmod(_month_index(anchor.day) + n, _MONTHS_PER_YEAR)
    month = month_before + 1
    return date(year, month, min(anchor.day.day, calendar.monthrange(year, month)[1]))


def _month_index(day: date) -> int:
    return day.year * _MONTHS_PER_YEAR + day.month - 1
