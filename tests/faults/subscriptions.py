"""Periods, boundaries, lots that end, debts."""

from __future__ import annotations

from tests.faults.fault import Fault

UNDO = "tests/pricing/subscriptions/test_undo_of_on_demand.py"
OWES = "tests/pricing/subscriptions/test_who_owes.py"
SHARES = "tests/pricing/subscriptions/test_shares_of_grants.py"
ENDS = "tests/pricing/subscriptions/test_ends_and_payments.py"
ZONES = "tests/pricing/subscriptions/test_zone_rules.py"
LEFT = "tests/pricing/subscriptions/test_what_is_left.py"
ACCOUNTS = "tests/pricing/accounts/test_accounts.py"
LIFE = "tests/pricing/subscriptions/test_worked_examples.py"
SIMULATOR = "tests/billing_simulator"

FAULTS = (
    Fault(
        "a late message pays for what is void",
        "pricing/subscriptions/subscriptions.py",
        "PERIODS.c.payment == PeriodPayment.UNPAID",
        "PERIODS.c.payment != PeriodPayment.PAID",
        (SIMULATOR, "tests/pricing/subscriptions/test_ends_and_payments.py"),
        "i18 or c24 or never_collected",
    ),
    Fault(
        "credits do not roll over",
        "pricing/subscriptions/subscriptions.py",
        "expires_at=None if plan.rollover else due.end",
        "expires_at=due.end",
        (ACCOUNTS,),
        "r21 or w1",
    ),
    Fault(
        "a grant is twice what the plan says",
        "pricing/subscriptions/subscriptions.py",
        "amount=plan.li_minutes,",
        "amount=2 * plan.li_minutes,",
        (ACCOUNTS,),
        "w1",
    ),
    Fault(
        "the last period that is due is left out",
        "pricing/subscriptions/subscriptions.py",
        "return range(first, period_number(subscription.anchor, now) + 1)",
        "return range(first, period_number(subscription.anchor, now))",
        (ACCOUNTS,),
        "w1",
    ),
    Fault(
        "a downgrade keeps the credits",
        "pricing/subscriptions/boundaries.py",
        "        void_all(conn, account_id, at=at, now=now)\n",
        "",
        (LIFE,),
        "w6 or w7",
    ),
    Fault(
        "a period is charged before the downgrade is applied",
        "pricing/subscriptions/boundaries.py",
        "change.effective_at <= start",
        "change.effective_at < start",
        (LIFE,),
        "w6",
    ),
    Fault(
        "a trial lasts a day longer",
        "pricing/subscriptions/activation.py",
        "timedelta(days=plan.trial_days)",
        "timedelta(days=plan.trial_days + 1)",
        (LIFE,),
        "w10",
    ),
    Fault(
        "what waits beneath a switch outlives the boundary",
        "pricing/subscriptions/boundaries.py",
        "            withdraw_all(conn, subscription.id, at)\n            conn.execute(",
        "            conn.execute(",
        (UNDO,),
        "stays_on_demand or r51",
    ),
    Fault(
        "a boundary that waits is an instant of the old rules",
        "pricing/subscriptions/changes.py",
        "    return period(Anchor(row.anchor_day, row.timezone), row.effective_period).start",
        '    return cast("datetime | None", row.effective_at)',
        (ZONES,),
    ),
    Fault(
        "on demand, a period that will be void is owed",
        "pricing/subscriptions/subscriptions.py",
        "unpaid_periods(conn, subscription.id) if subscription.has_periods else ()",
        "unpaid_periods(conn, subscription.id)",
        (OWES,),
        "stops_nothing",
    ),
    Fault(
        "what comes back to a closed lot stays there",
        "pricing/subscriptions/boundaries.py",
        "    sweep_returns(conn, account_id, now=now)\n",
        "",
        (LEFT,),
        "r51 or c21",
    ),
    Fault(
        "lots that expire at a boundary are swept after its charge",
        "pricing/subscriptions/boundaries.py",
        "    sweep(conn, subscription.account_id, until=start, now=now)\n",
        "",
        (LEFT,),
        "i8",
    ),
    Fault(
        "without rollover, what was not paid is owed beyond its period",
        "pricing/subscriptions/boundaries.py",
        "    if not subscription.plan.rollover:\n"
        "        abandon_unpaid(conn, subscription, at=start)\n",
        "",
        (LEFT,),
        "c24",
    ),
    Fault(
        "with rollover, what was not paid is not owed beyond its period",
        "pricing/subscriptions/boundaries.py",
        "    if not subscription.plan.rollover:\n",
        "    if subscription.plan:\n",
        (LEFT,),
        "c24",
    ),
    Fault(
        "a downgrade voids extra credits",
        "pricing/subscriptions/lot_expiry.py",
        "            LOTS.c.kind != LotKind.EXTRA,\n",
        "",
        (LEFT,),
        "r46",
    ),
    Fault(
        "a closed lot loses what a run has reserved of it",
        "pricing/subscriptions/lot_expiry.py",
        "    rest = held.remaining - held.reserved\n",
        "    rest = held.remaining\n",
        (
            LEFT,
            "tests/pricing/ledger/test_lots.py",
        ),
        "given_up or stays_good",
    ),
    Fault(
        "an account may have a second trial",
        "pricing/subscriptions/activation.py",
        "used = exists().where(LOTS.c.cause == trial_cause(account_id))",
        "used = exists().where(LOTS.c.cause == trial_cause(account_id), LOTS.c.amount < 0)",
        (ENDS,),
        "r104",
    ),
    Fault(
        "a trial's grant is not shared",
        "pricing/subscriptions/activation.py",
        "    share_out(conn, account_id, trial_cause(account_id), at=at, now=at)\n",
        "",
        (SHARES,),
        "changed_to",
    ),
    Fault(
        "a period's grant is not shared",
        "pricing/subscriptions/subscriptions.py",
        "    share_out(conn, subscription.account_id, cause, at=at, now=now)\n",
        "",
        (SHARES,),
        "changed_to",
    ),
    Fault(
        "of what was not paid, the newest is paid first",
        "pricing/subscriptions/subscriptions.py",
        "        .order_by(PERIODS.c.n)\n",
        "        .order_by(PERIODS.c.n.desc())\n",
        (LEFT,),
        "oldest",
    ),
)
