"""Faults in what is done with who does not pay."""

from __future__ import annotations

from tests.faults.fault import Fault

STEPS = "tests/pricing/subscriptions/test_dunning.py"
SCHEDULE = "tests/pricing/plans/test_dunning_schedule.py"

FAULTS = (
    Fault(
        "who is asked again in vain is asked again at once",
        "pricing/plans/dunning.py",
        "        if step in done or (at <= after and step.kind is not StepKind.SUSPENDED):\n",
        "        if step in done or step.kind is StepKind.REMINDED:\n",
        (SCHEDULE, STEPS),
        "in_time or each_step",
    ),
    Fault(
        "who owed while on demand is never suspended",
        "pricing/plans/dunning.py",
        "(at <= after and step.kind is not StepKind.SUSPENDED)",
        "at <= after",
        (SCHEDULE, STEPS),
        "in_time or beneath",
    ),
    Fault(
        "a subscription ends for debts that it was not suspended for",
        "pricing/plans/dunning.py",
        "    if suspended_at is None:\n        return None\n",
        "    if suspended_at is None:\n"
        "        return day_after(due_at, schedule.ended_day, zone)\n",
        (SCHEDULE,),
        "nobody_is_ended",
    ),
    Fault(
        "without rollover nobody is ever ended",
        "pricing/plans/dunning.py",
        "        return day_after(unpaid_since, schedule.ended_day, zone)\n",
        "        return None\n",
        (SCHEDULE, STEPS),
        "ended or rollover",
    ),
    Fault(
        "a payment that is pending is dunned",
        "pricing/subscriptions/owed.py",
        "    states: Collection[PaymentState] = (PaymentState.DECLINED,),\n",
        "    states: Collection[PaymentState] = UNCOLLECTED,\n",
        (STEPS,),
        "pending",
    ),
    Fault(
        "asking again asks for nothing",
        "pricing/subscriptions/dunning.py",
        "            if due.step.kind is StepKind.ASKED:\n",
        "            if due.step.kind is StepKind.ENDED:\n",
        (STEPS,),
        "asked_again",
    ),
    Fault(
        "a suspended account runs with the credits that it has",
        "pricing/run_charges/funding.py",
        "    if books.owes:\n        _check_not_suspended(conn, subscription, at)\n",
        "",
        (STEPS,),
        "c70",
    ),
    Fault(
        "a lost card is asked again",
        "pricing/payments/collecting.py",
        "    elif row.card_lost is None:\n",
        "    elif row.card_lost is None or row.card:\n",
        (STEPS,),
        "c72",
    ),
    Fault(
        "another card is taken for the lost one",
        "pricing/accounts/overdue.py",
        "values(card=card, card_lost=None)",
        "values(card=card)",
        (STEPS,),
        "c72",
    ),
    Fault(
        "what ends for debts leaves its credits",
        "pricing/subscriptions/boundaries.py",
        "    tell_end(conn, subscription, at=at, now=now)\n"
        "    void_all(conn, subscription.account_id, at=at, now=now)\n",
        "    tell_end(conn, subscription, at=at, now=now)\n",
        (STEPS,),
        "c71",
    ),
    Fault(
        "the sweep does not look when a step is due",
        "pricing/accounts/due.py",
        "        if at_step is not None:\n",
        "        if at_step is not None and at_step == NEVER:\n",
        (STEPS,),
        "whoever_looks",
    ),
    Fault(
        "what was told too early is never told again",
        "pricing/accounts/heal.py",
        "DUNNING_STEPS.c.account_id == account_id, DUNNING_STEPS.c.at > at",
        "DUNNING_STEPS.c.account_id == account_id, DUNNING_STEPS.c.day < 0",
        (STEPS,),
        "ran_ahead",
    ),
)
