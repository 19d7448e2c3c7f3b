"""What is asked of the payment gateway, and what its answers do to the books."""

from __future__ import annotations

from tests.faults.fault import Fault

TWICE = "tests/pricing/payments/test_said_twice.py"
OWES = "tests/pricing/subscriptions/test_who_owes.py"
RUN_PAYMENTS = "tests/pricing/payments/test_run_payments.py"

FAULTS = (
    Fault(
        "a payment does not reach the ledger",
        "pricing/payments/collecting.py",
        "    post(conn, paid)\n",
        "",
        (RUN_PAYMENTS,),
        "r1",
    ),
    Fault(
        "what a paid run gives back is forgotten",
        "pricing/payments/run_payments.py",
        "setting_off = min(usd_micros, credit_of(conn, account_id))",
        "setting_off = 0",
        (RUN_PAYMENTS,),
        "set_off",
    ),
    Fault(
        "credit that was set off is taken back twice",
        "pricing/payments/run_payments.py",
        "    if given is None or key in entries:\n",
        "    if given is None:\n",
        (TWICE,),
        "twice or each",
    ),
    Fault(
        "credit that was set off already is taken back",
        "pricing/payments/run_payments.py",
        "taken = min(returned, debt.usd_micros, credit_of(conn, account_id))",
        "taken = min(returned, debt.usd_micros)",
        (RUN_PAYMENTS,),
        "taken_back",
    ),
    Fault(
        "a payment that was accepted is asked for again",
        "pricing/payments/run_payments.py",
        "UNCOLLECTED = (PaymentState.DECLINED, PaymentState.DELAYED)",
        "UNCOLLECTED = (PaymentState.DECLINED, PaymentState.DELAYED, PaymentState.ACCEPTED)",
        (TWICE,),
        "again",
    ),
    Fault(
        "a payment that the bank has not answered is lowered",
        "pricing/payments/run_payments.py",
        "(PaymentState.DUE, PaymentState.DECLINED))",
        "(PaymentState.DUE, PaymentState.DECLINED, PaymentState.DELAYED))",
        (TWICE,),
        "gives_back",
    ),
    Fault(
        "what was collected above the debt is forgotten",
        "pricing/payments/run_payments.py",
        "    if collected > debt.usd_micros:\n",
        "    if collected < debt.usd_micros:\n",
        (RUN_PAYMENTS,),
        "lost",
    ),
)
