"""What a run reserves, is charged, and gives back; who pays for it."""

from __future__ import annotations

from tests.faults.fault import Fault

TWICE = "tests/pricing/payments/test_said_twice.py"
OWES = "tests/pricing/subscriptions/test_who_owes.py"
DEPARTMENT_RUNS = "tests/pricing/departments/test_department_runs.py"
EXTRA = "tests/pricing/departments/test_extra_credits.py"
CAPS = "tests/pricing/run_charges/test_caps.py"
CHARGES = "tests/pricing/run_charges/test_charges.py"
DEPARTMENTS = "tests/pricing/departments"
RUN_PAYMENTS = "tests/pricing/payments/test_run_payments.py"

FAULTS = (
    Fault(
        "a run's charge has no key of its own",
        "pricing/run_charges/charges.py",
        'natural_key=f"{cause}:{key}"',
        'natural_key=f"{cause}:{key}:{object()!r}"',
        (CHARGES,),
    ),
    Fault(
        "a run that is never launched keeps its reservation",
        "pricing/run_charges/charges.py",
        "end_reservation(conn, run_id, ReservationState.VOID, instant)",
        "pass",
        (CHARGES,),
    ),
    Fault(
        "a correction gives the start-up line back too",
        "pricing/run_charges/charges.py",
        "returned = (quote.startup - keep_startup) + (quote.use - keep_use)",
        "returned = (quote.startup - (keep_startup := 0)) + (quote.use - keep_use)",
        (CHARGES,),
        "r10",
    ),
    Fault(
        "a wallet's limit may not be reached",
        "pricing/run_charges/funding.py",
        "if money.total > wallet.available_usd_micros:",
        "if money.total >= wallet.available_usd_micros:",
        (DEPARTMENTS,),
        "c13",
    ),
    Fault(
        "a department needs one LI-minute more than its run",
        "pricing/run_charges/funding.py",
        "if quote.total <= free:",
        "if quote.total < free:",
        (DEPARTMENTS,),
    ),
    Fault(
        "extra credits are one fewer than the limit",
        "pricing/run_charges/funding.py",
        "missing > extra.available_li_minutes:",
        "missing >= extra.available_li_minutes:",
        (DEPARTMENTS,),
        "extra or r107 or r108",
    ),
    Fault(
        "who has not paid for a run may start the next",
        "pricing/run_charges/funding.py",
        "(payment.quote.unit is Unit.USD or payment.extra_usd_micros):",
        "payment.extra_usd_micros:",
        (RUN_PAYMENTS,),
        "c24",
    ),
    Fault(
        "a correction that is sent twice gives back twice",
        "pricing/run_charges/charges.py",
        "    if is_new and quote.unit is Unit.USD:\n",
        "    if returned and quote.unit is Unit.USD:\n",
        (TWICE,),
        "correction",
    ),
    Fault(
        "extra credits are sold to who owes",
        "pricing/run_charges/funding.py",
        "(payment.quote.unit is Unit.USD or payment.extra_usd_micros):",
        "payment.quote.unit is Unit.USD:",
        (OWES,),
        "c42 and extra",
    ),
    Fault(
        "a run on a wallet is quoted by the plan's rule",
        "pricing/run_charges/funding.py",
        "    return Funding(money, department)\n",
        "    return Funding(quote, department)\n",
        (DEPARTMENT_RUNS,),
        "r72",
    ),
    Fault(
        "a run that buys extra credits pays them for all of it",
        "pricing/run_charges/funding.py",
        "price_of(quote, missing)",
        "price_of(quote, quote.total)",
        (EXTRA,),
        "r108",
    ),
    Fault(
        "the largest run that a plan allows is refused",
        "pricing/run_charges/caps.py",
        "wanted > allowed:",
        "wanted >= allowed:",
        (CAPS,),
    ),
)
