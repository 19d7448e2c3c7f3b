"""What is asked of the payment gateway, and what its answers do to the books."""

from __future__ import annotations

from tests.faults.fault import Fault

TWICE = "tests/pricing/payments/test_said_twice.py"
OWES = "tests/pricing/subscriptions/test_who_owes.py"
SETTLING = "tests/pricing/payments/test_settling.py"
STRANGE = "tests/pricing/payments/test_strange_answers.py"
RUN_PAYMENTS = "tests/pricing/payments/test_run_payments.py"

SET_OFF = "tests/pricing/payments/test_set_off.py"
CREDIT = "tests/pricing/payments/test_refunds_of_credit.py"

FAULTS = (
    Fault(
        "credit pays for runs alone",
        "pricing/payments/credit.py",
        "    return min(usd_micros, free)\n",
        "    return 0\n",
        (SET_OFF,),
        "asked_for_the_rest",
    ),
    Fault(
        "credit that is kept for a payment is set off against another",
        "pricing/payments/credit.py",
        "    return max(credit - kept, 0)\n",
        "    return credit\n",
        (CREDIT,),
        "on_its_way_out",
    ),
    Fault(
        "a refund does not count what was credited on its invoice",
        "pricing/payments/taken_back.py",
        "        return self.credited_usd_micros + self.refunded_usd_micros\n",
        "        return self.refunded_usd_micros\n",
        (CREDIT,),
        "credited_invoice",
    ),
    Fault(
        "a payment does not reach the ledger",
        "pricing/payments/collecting.py",
        "    post_all(conn, paid)\n",
        "",
        (RUN_PAYMENTS,),
        "r1",
    ),
    Fault(
        "what a paid run gives back is forgotten",
        "pricing/payments/run_payments.py",
        "setting_off = min(usd_micros, free_credit_of(conn, account_id))",
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
        "taken = min(returned, debt.usd_micros, free_credit_of(conn, account_id))",
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
    Fault(
        "a command without a request id does not find its own unfinished payment",
        "pricing/accounts/pending.py",
        "        if (its.command, its.content) == (command, content):\n",
        "        if not its:\n",
        (SETTLING,),
        "books_have_moved",
    ),
    Fault(
        "another amount is booked as if it had been asked for",
        "pricing/payments/attempts.py",
        "return AttemptState.ACCEPTED if is_asked else AttemptState.DISPUTED",
        "return AttemptState.ACCEPTED",
        (STRANGE,),
        "another_amount",
    ),
    Fault(
        "a key that was declined is asked for again",
        "pricing/payments/on_record.py",
        "number if is_open else number + 1",
        "number",
        (SETTLING,),
        "declined and boost",
    ),
    Fault(
        "what was paid for and cannot be had any more is nobody's",
        "pricing/accounts/settling.py",
        "            paid = tuple(each for each in self._mine(conn) if each.is_unspent)\n",
        "            paid: tuple[Attempt, ...] = ()\n",
        (SETTLING,),
        "refused_after_all",
    ),
    Fault(
        "a gateway is called with a transaction open",
        "pricing/payments/collecting.py",
        "    if calls_out(gateway=gateway):\n",
        "    if not gateway:\n",
        ("tests/pricing/payments/test_no_call_in_a_transaction.py",),
        "gateway and sqlite",
    ),
)
