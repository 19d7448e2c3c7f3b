"""Months, plans, quotes, tariffs and the rounding of money."""

from __future__ import annotations

from tests.faults.fault import Fault

PERIODS = "tests/pricing/test_periods.py"
QUOTES = "tests/pricing/plans/test_quotes.py"
TARIFFS = "tests/pricing/tariffs/test_tariffs.py"
ADVISOR = "tests/pricing/reports/test_advisor.py"

FAULTS = (
    Fault(
        "each month is counted from the month before",
        "pricing/periods.py",
        "min(anchor.day.day, calendar",
        "min((_first_day(anchor, n - 1) if n > 0 else anchor.day).day, calendar",
        (PERIODS,),
        "short_month or 48",
    ),
    Fault(
        "a period lasts 30 days",
        "pricing/periods.py",
        "end=first_instant(next_first_day, anchor.zone)",
        "end=first_instant(first_day, anchor.zone) + timedelta(days=30)",
        (PERIODS,),
    ),
    Fault(
        "an account of 11 October 2021 is not legacy",
        "pricing/periods.py",
        "date(2021, 10, 12)",
        "date(2021, 10, 11)",
        (PERIODS,),
        "r17 or r18",
    ),
    Fault(
        "the day of activation is the one in UTC",
        "pricing/periods.py",
        "day = activated_at.astimezone(zoneinfo.ZoneInfo(timezone)).date()",
        "day = activated_at.astimezone(UTC).date()",
        (PERIODS,),
        "r12",
    ),
    Fault(
        "the first instant of a period belongs to the one before",
        "pricing/periods.py",
        "anchor.zone) <= instant",
        "anchor.zone) < instant",
        (PERIODS, "tests/pricing/accounts/clock"),
        "tile or every_hour",
    ),
    Fault(
        "a skipped midnight is taken for an hour that there is",
        "pricing/periods.py",
        "if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):",
        "if instant is not None:",
        (PERIODS,),
        "cairo or first_instant",
    ),
    Fault(
        "the floor of 100 injectors ends at 99",
        "pricing/tariffs/model.py",
        "injectors <= floor.up_to_injectors",
        "injectors < floor.up_to_injectors",
        (TARIFFS,),
    ),
    Fault(
        "halves are rounded down",
        "pricing/money.py",
        "return (2 * numerator + denominator) // (2 * denominator)",
        "return numerator // denominator",
        (QUOTES, TARIFFS),
    ),
    Fault(
        "halves of a cent go to the even cent",
        "pricing/money.py",
        "(Decimal(amount_usd_micros) / MICROS_PER_CENT).to_integral_value(ROUND_HALF_UP)",
        "(Decimal(amount_usd_micros) / MICROS_PER_CENT).to_integral_value()",
        (ADVISOR,),
        "rounded",
    ),
    Fault(
        "a started minute does not count after a cancel",
        "pricing/plans/quotes.py",
        "quote.injectors * math.ceil(",
        "quote.injectors * math.floor(",
        (QUOTES,),
    ),
    Fault(
        "a cancel within the floor still pays for use",
        "pricing/plans/quotes.py",
        "used = min(started, quote.li_minutes) - quote.startup_li_minutes",
        "used = min(started, quote.li_minutes)",
        (QUOTES,),
    ),
    Fault(
        "a subscription's runs are quoted in money",
        "pricing/plans/quotes.py",
        "if plan.is_subscription:",
        "if plan.li_minutes < 0:",
        (QUOTES,),
    ),
    Fault(
        "what is left below one run's need counts as a run",
        "pricing/plans/quotes.py",
        "return max(balance_li_minutes, 0) // required_li_minutes",
        "return -(-max(balance_li_minutes, 0) // required_li_minutes)",
        (ADVISOR,),
        "w4",
    ),
)
