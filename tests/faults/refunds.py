"""What is given back of payments, and what that does to the books."""

from __future__ import annotations

from tests.faults.fault import Fault

REFUNDS = "tests/pricing/payments/test_refunds.py"
CONTRACT = "tests/pricing/payments/test_gateway_contract.py"

FAULTS = (
    Fault(
        "a refund that is under way may be asked for again",
        "pricing/payments/refunds.py",
        "states = (*GIVEN_BACK, *OPEN) if also_open else GIVEN_BACK",
        "states = GIVEN_BACK",
        (REFUNDS,),
        "takes_its_time",
    ),
    Fault(
        "more is given back than was paid",
        "pricing/accounts/refunding.py",
        "    if not 0 < wanted <= found.left_usd_micros:\n",
        "    if not 0 < wanted:\n",
        (REFUNDS,),
        "parts_are or cannot_be",
    ),
    Fault(
        "a command without a request id does not find its own unfinished refund",
        "pricing/accounts/refunding.py",
        "    if request_id.startswith(MADE):\n",
        "    if not request_id:\n",
        (REFUNDS,),
        "gets_no_answer",
    ),
    Fault(
        "the money of a refund does not leave the cash",
        "pricing/payments/refund_books.py",
        '    post(conn, _entry(refund, "cash", f"{words} of {refund.invoice}", cash, at))\n',
        "    assert cash, words\n",
        (REFUNDS,),
        "whole_refund",
    ),
    Fault(
        "every part of a refund takes the tax of the whole back",
        "pricing/payments/refund_books.py",
        "        tax = has.tax_usd_micros - had.tax_usd_micros\n",
        "        tax = has.tax_usd_micros\n",
        (REFUNDS,),
        "tax_of_all",
    ),
    Fault(
        "all LI-minutes go with a part of the money",
        "pricing/payments/refund_books.py",
        "    part = lot.amount * after // total - lot.amount * before_usd_micros // total\n",
        "    part = lot.amount if after <= total else 0\n",
        (REFUNDS,),
        "parts_are",
    ),
    Fault(
        "a refund that was sent back stays given back",
        "pricing/payments/refunds.py",
        "        is_back = answer.state is PaymentState.DECLINED\n",
        "        is_back = answer.state is PaymentState.DUE\n",
        (REFUNDS,),
        "sends_back",
    ),
    Fault(
        "another amount is booked as the refund that was asked for",
        "pricing/payments/refunds.py",
        "        fits = is_asked and refund.usd_micros <= left_usd_micros\n",
        "        fits = refund.usd_micros <= left_usd_micros\n",
        (REFUNDS,),
        "stays_apart",
    ),
    Fault(
        "a rehearsed payment is given back in money",
        "pricing/accounts/refundable.py",
        "    if payment.rehearsed not in {None, is_rehearsed(gateway=gateway)}:\n",
        "    if payment.rehearsed is gateway:\n",
        (REFUNDS,),
        "rehearsed_payment",
    ),
    Fault(
        "anybody gives money back",
        "engine/commands/account_refunds.py",
        "    if user != OWNER:\n",
        "    if not user:\n",
        (REFUNDS,),
        "only_the_owner",
    ),
    Fault(
        "a shipped gateway gives back of a disputed payment",
        "pricing/payments/gateway.py",
        "    if contested:\n",
        "    if contested is None:\n",
        (CONTRACT,),
        "disputed",
    ),
)
