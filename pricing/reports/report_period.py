"""The days that a report is of: any, from a first to a last, or a calendar month.

Days are an account's own: where they begin and end, its time zone says.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.errors import BadInputError
from pricing.periods import Period, check_year, first_instant

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MONTHS = range(1, 13)


class ReportPeriodError(BadInputError):
    """No period: it ends before it begins, or is none; facts: ``value``."""

    code = "bad_period"


class ReportPeriod(Struct, frozen=True):
    """Days in a row.

    Attributes:
        first_day: The first of them.
        last_day: The last, inclusive.

    Raises:
        ReportPeriodError: It ends before it begins.
        YearOutOfRangeError: A year in which nobody is billed.
    """

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        """Refuse the impossible where it enters."""
        check_year(self.first_day.year, where="the period's first day")
        check_year(self.last_day.year, where="the period's last day")
        if self.last_day < self.first_day:
            raise ReportPeriodError(
                f"a period from {self.first_day} to {self.last_day} ends before it begins; the"
                " same day or a later one would be right",
                value=f"{self.first_day} to {self.last_day}",
            )

    @classmethod
    def of_month(cls, text: str) -> ReportPeriod:
        """The calendar month that is written ``2026-11``.

        Raises:
            ReportPeriodError: It is none.
        """
        found = _MONTH.fullmatch(text.strip())
        if found is None or int(found[2]) not in _MONTHS:
            raise ReportPeriodError(f"{text!r} is no month; write it like 2026-11", value=text)
        year, month = int(found[1]), int(found[2])
        check_year(year, where="the month")
        last = calendar.monthrange(year, month)[1]
        return cls(date(year, month, 1), date(year, month, last))

    def in_zone(self, timezone: str) -> Period:
        """From when to when it is in a time zone, half-open; its number means nothing."""
        zone = ZoneInfo(timezone)
        return Period(
            n=0,
            start=first_instant(self.first_day, zone),
            end=first_instant(self.last_day + timedelta(days=1), zone),
            first_day=self.first_day,
            last_day=self.last_day,
        )
