"""Usage, advice and invoice pages."""

from __future__ import annotations

from tests.faults.fault import Fault

USAGE = "tests/pricing/reports/test_usage.py"
ADVISOR = "tests/pricing/reports/test_advisor.py"

FAULTS = (
    Fault(
        "an invoice's text is not escaped",
        "pricing/pages/html.py",
        "autoescape=True",
        "autoescape=False",
        ("tests/pricing/reports/test_invoice_page.py",),
    ),
    Fault(
        "the day of a run is the one in UTC",
        "pricing/reports/usage.py",
        "run.at.astimezone(zone).date()",
        "run.at.date()",
        (USAGE,),
    ),
    Fault(
        "a run at the boundary is used in both cycles",
        "pricing/reports/usage_records.py",
        "RESERVATIONS.c.ended_at < end",
        "RESERVATIONS.c.ended_at <= end",
        (USAGE, ADVISOR),
    ),
    Fault(
        "a plan that costs the same is called cheaper",
        "pricing/reports/break_even.py",
        "max(cost // run_usd_micros,",
        "max((cost - 1) // run_usd_micros,",
        (ADVISOR,),
        "cheaper",
    ),
)
