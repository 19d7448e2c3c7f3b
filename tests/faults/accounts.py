"""Commands on an account and on its plan."""

from __future__ import annotations

from tests.faults.fault import Fault

ACCESS = "tests/pricing/reports/test_access.py"
ASKED = "tests/loadmuster/api/test_who_asks.py"
UNDO = "tests/pricing/subscriptions/test_undo_of_on_demand.py"
OWES = "tests/pricing/subscriptions/test_who_owes.py"
SHARES = "tests/pricing/subscriptions/test_shares_of_grants.py"
ENDS = "tests/pricing/subscriptions/test_ends_and_payments.py"
CHANGES = "tests/pricing/subscriptions/test_changes_of_plan.py"
ZONES = "tests/pricing/subscriptions/test_zone_rules.py"
CAPS = "tests/pricing/run_charges/test_caps.py"
BALANCES = "tests/pricing/ledger/test_balances.py"
ACCOUNTS = "tests/pricing/accounts/test_accounts.py"
LIFE = "tests/pricing/subscriptions/test_worked_examples.py"
RUN_PAYMENTS = "tests/pricing/payments/test_run_payments.py"
DUE_NOW = "tests/pricing/accounts/test_due_now.py"
NOTICES = "tests/pricing/accounts/test_notices.py"
ADMINISTRATORS = "tests/pricing/accounts/test_administrators.py"
ANSWERS = "tests/pricing/subscriptions/test_answers_while_on_demand.py"
WALLETS = "tests/pricing/departments/test_wallet_while_switching.py"

FAULTS = (
    Fault(
        "commands never fold",
        "pricing/accounts/advance.py",
        "is_too_long=due.is_too_long)",
        "is_too_long=False)",
        (BALANCES,),
    ),
    Fault(
        "a command does not see a period that begins",
        "pricing/accounts/due_now.py",
        "or _begins_period(subscription, row, now)\n",
        "or False\n",
        (DUE_NOW,),
    ),
    Fault(
        "a command does not see a change that takes effect",
        "pricing/accounts/due_now.py",
        "row.has_open_change\n            or",
        "False\n            or",
        (DUE_NOW, "tests/pricing/subscriptions/test_undo_of_on_demand.py", ENDS),
    ),
    Fault(
        "a command does not see a lot that expires",
        "pricing/accounts/due_now.py",
        "or row.has_expired_lot\n",
        "or False\n",
        (DUE_NOW, ACCOUNTS, "tests/pricing/accounts/test_account_commands.py"),
    ),
    Fault(
        "a command does not see what comes back into a closed lot",
        "pricing/accounts/due_now.py",
        "or row.has_closed_lot\n",
        "or False\n",
        (DUE_NOW,),
    ),
    Fault(
        "a command does not see a step of dunning",
        "pricing/accounts/due_now.py",
        "or row.is_declined\n",
        "or False\n",
        ("tests/pricing/subscriptions/test_dunning.py",),
    ),
    Fault(
        "a command does not see a payment that waits",
        "pricing/accounts/due_now.py",
        "payments=row.has_due_payment,",
        "payments=False,",
        (DUE_NOW,),
    ),
    Fault(
        "a command does not see that something is owed",
        "pricing/accounts/due_now.py",
        "owes=row.owes,",
        "owes=False,",
        (DUE_NOW,),
    ),
    Fault(
        "an account that fails holds up the others",
        "pricing/accounts/sweep.py",
        "        do(account_id)\n    except LoadmusterError as",
        "        do(account_id)\n    except KeyError as",
        ("tests/pricing/accounts/test_account_commands.py",),
    ),
    Fault(
        "a command leaves the note of what falls due next",
        "pricing/accounts/advance.py",
        '"last_command_at": instant, "next_due_at": None}',
        '"last_command_at": instant}',
        ("tests/pricing/accounts/test_due_accounts.py",),
        "overlooked",
    ),
    Fault(
        "who owes is renewed together with those who do not",
        "pricing/subscriptions/plain.py",
        "(PaymentState.DUE, PaymentState.DECLINED, PaymentState.DELAYED)",
        "(PaymentState.DUE,)",
        ("tests/pricing/accounts/test_sweep.py",),
        "same_books",
    ),
    Fault(
        "a grant that has expired within a sweep stays open",
        "pricing/subscriptions/renewals.py",
        "        self._close_expired(account.id, open_lots, self._now)\n",
        "",
        ("tests/pricing/accounts/test_sweep.py",),
        "same_books",
    ),
    Fault(
        "a late message pays for the next subscription",
        "pricing/accounts/overdue.py",
        "unpaid = {subscription.cause_of(n): n for",
        "unpaid = {f\"subscription:{key.split(':')[1]}:period:{n}\": n for",
        ("tests/pricing/subscriptions/test_ends_and_payments.py",),
        "old_subscription",
    ),
    Fault(
        "a clock may go backwards",
        "pricing/accounts/advance.py",
        "if now < last - CLOCK_TOLERANCE:",
        "if now < last - 1_000 * CLOCK_TOLERANCE:",
        (ACCOUNTS,),
        "backwards or tolerance",
    ),
    Fault(
        "an upgrade charges the whole new price",
        "pricing/accounts/plan_sales.py",
        "        wanted.monthly_usd_micros - plan.monthly_usd_micros, wanted",
        "        wanted.monthly_usd_micros, wanted",
        (LIFE,),
        "w2",
    ),
    Fault(
        "an upgrade grants the whole new plan",
        "pricing/accounts/plan_sales.py",
        "micros, wanted.li_minutes - plan.li_minutes",
        "micros, wanted.li_minutes",
        (LIFE,),
        "w2 or w5",
    ),
    Fault(
        "a downgrade takes effect at once",
        "pricing/accounts/plan_changes.py",
        "plan=wanted,\n        boundary=context.boundary,",
        "plan=wanted,\n        boundary=type(context.boundary)(context.at, None),",
        (LIFE,),
        "w6",
    ),
    Fault(
        "an upgrade is prorated",
        "pricing/accounts/plan_sales.py",
        "        wanted.monthly_usd_micros - plan.monthly_usd_micros, wanted",
        "        (wanted.monthly_usd_micros - plan.monthly_usd_micros) // 2, wanted",
        (LIFE,),
        "w2",
    ),
    Fault(
        "on demand, the credits can still be used",
        "pricing/accounts/on_demand.py",
        "    _suspend(conn, account_id, context.at)",
        "    _suspend(conn, account_id, None)",
        (LIFE,),
        "w7",
    ),
    Fault(
        "an undo leaves the credits suspended",
        "pricing/accounts/on_demand.py",
        "        _suspend(conn, account_id, None)",
        "        _suspend(conn, account_id, context.at)",
        (LIFE,),
        "w7",
    ),
    Fault(
        "a cancellation counts without a confirmation",
        "pricing/accounts/cancellations.py",
        "        boundary=None,\n        requested_by=asker.name,",
        "        boundary=context.boundary,\n        requested_by=asker.name,",
        (LIFE,),
        "w8",
    ),
    Fault(
        "a renewal is possible at the last instant too",
        "pricing/accounts/cancellations.py",
        "context.at >= until:",
        "context.at > until:",
        (LIFE,),
        "w8",
    ),
    Fault(
        "a boost is free",
        "pricing/accounts/boosts.py",
        "usd_micros=plan.price_of_boost_usd_micros",
        "usd_micros=0",
        (LIFE,),
        "w5",
    ),
    Fault(
        "what a run owes is not collected",
        "pricing/accounts/advance.py",
        "    if due.at_boundaries or due.payments:\n",
        "    if due.at_boundaries:\n",
        (RUN_PAYMENTS,),
        "r1",
    ),
    Fault(
        "an undo forgets what waited beneath the switch",
        "pricing/accounts/on_demand.py",
        "    end_change(conn, change, ChangeState.WITHDRAWN, context.at)\n    if switch",
        "    for each in changes.values():\n"
        "        end_change(conn, each, ChangeState.WITHDRAWN, context.at)\n"
        "    if switch",
        (UNDO,),
        "brings_back or ends_on_its_day",
    ),
    Fault(
        "going on demand forgets what waited",
        "pricing/accounts/on_demand.py",
        "        return\n    request_change(",
        "        return\n"
        "    for each in context.changes(conn).values():\n"
        "        end_change(conn, each, ChangeState.WITHDRAWN, context.at)\n"
        "    request_change(",
        (UNDO,),
        "brings_back or ends_on_its_day",
    ),
    Fault(
        "on demand, what waits beneath is shown first",
        "pricing/accounts/view.py",
        "            change.kind is not ChangeKind.ON_DEMAND,\n            change.effective_at or",
        "            change.effective_at or",
        (UNDO,),
        "brings_back",
    ),
    Fault(
        "on demand, a cancellation that was asked for is the status",
        "pricing/accounts/account.py",
        "                        not_(_is_switched()),\n",
        "",
        (UNDO,),
        "asked_for",
    ),
    Fault(
        "on demand, a period that will be void is the status",
        "pricing/accounts/account.py",
        "and_(_owes_a_period(), not_(_is_switched()))",
        "_owes_a_period()",
        (OWES,),
        "stops_nothing",
    ),
    Fault(
        "a downgrade stays beside a confirmed cancellation",
        "pricing/accounts/cancellations.py",
        "        end_change(conn, smaller, ChangeState.WITHDRAWN, context.at)\n",
        "        pass\n",
        (ENDS,),
        "gives_way",
    ),
    Fault(
        "a downgrade stays beside an upgrade",
        "pricing/accounts/plan_changes.py",
        "in (ChangeKind.DOWNGRADE, ChangeKind.NEW_TERMS):",
        "in (ChangeKind.NEW_TERMS,):",
        (CHANGES,),
        "c37",
    ),
    Fault(
        "while a downgrade waits, a boost is of the plan in force",
        "pricing/accounts/boosts.py",
        "plan = context.subscription.plan if smaller is None or smaller.plan is None else"
        " smaller.plan",
        "plan = context.subscription.plan",
        (CHANGES,),
        "c16",
    ),
    Fault(
        "who owes may upgrade",
        "pricing/accounts/plan_sales.py",
        "    context.check_paid(conn)\n"
        "    check_allocations_fit(conn, account_id, wanted)\n"
        "    check_charges",
        "    check_allocations_fit(conn, account_id, wanted)\n    check_charges",
        (OWES,),
        "c42 and upgrade",
    ),
    Fault(
        "who owes may subscribe",
        "pricing/accounts/plan_sales.py",
        "    if wanted.monthly_usd_micros:\n        context.check_paid(conn)\n",
        "",
        (OWES,),
        "c42 and upgrade",
    ),
    Fault(
        "who owes may renew",
        "pricing/accounts/cancellations.py",
        "    context.check_paid(conn)\n",
        "",
        (OWES,),
        "c42 and renewal",
    ),
    Fault(
        "who owes may be boosted",
        "pricing/accounts/boosts.py",
        "    context.check_paid(conn)\n",
        "",
        (OWES,),
        "c42 and boost",
    ),
    Fault(
        "a downgrade does not look at the allocations",
        "pricing/accounts/plan_sales.py",
        "    context.check_not_cancelled(conn)\n"
        "    check_allocations_fit(conn, account_id, wanted)\n",
        "    context.check_not_cancelled(conn)\n",
        (SHARES,),
        "changed_to",
    ),
    Fault(
        "an upgrade does not look at the allocations",
        "pricing/accounts/plan_sales.py",
        "    check_allocations_fit(conn, account_id, wanted)\n    check_charges",
        "    check_charges",
        (SHARES,),
        "changed_to",
    ),
    Fault(
        "a first plan does not look at the allocations",
        "pricing/accounts/plan_sales.py",
        "    check_allocations_fit(conn, account_id, wanted)\n    check_channel",
        "    check_channel",
        (SHARES,),
        "changed_to",
    ),
    Fault(
        "a renewal is counted from the last period that was paid",
        "pricing/accounts/cancellations.py",
        "period(subscription.anchor, last + 1).end",
        "period(subscription.anchor, last).end",
        (
            LIFE,
            ENDS,
        ),
        "w8 or r62",
    ),
    Fault(
        "an account may be deleted while a run goes on",
        "pricing/accounts/deletions.py",
        "    _check_no_open_runs(conn, account_id)\n",
        "",
        (CAPS,),
    ),
    Fault(
        "a deleted account keeps its card",
        "pricing/accounts/deletions.py",
        "            card=None,\n",
        "",
        (ENDS,),
        "r67",
    ),
    Fault(
        "a payment that was declined late grants",
        "pricing/accounts/overdue.py",
        "    if state is PaymentState.ACCEPTED:\n        book_period",
        "    if state:\n        book_period",
        (ENDS,),
        "c24",
    ),
    Fault(
        "an account that names nobody is open to anybody",
        "pricing/accounts/administrators.py",
        "    if asker.backing.isdisjoint(administrators):\n",
        "    if administrators and asker.backing.isdisjoint(administrators):\n",
        (ACCESS,),
        "names_nobody",
    ),
    Fault(
        "an account is opened without its owner",
        "pricing/accounts/opening.py",
        "set(administrators) or {OWNER}",
        "set(administrators)",
        (ASKED,),
        "from_the_start",
    ),
    Fault(
        "anybody may ask in another's name",
        "pricing/accounts/administrators.py",
        "return frozenset({self.user}) & {self.name}",
        "return frozenset({self.name})",
        (ACCESS,),
        "alone",
    ),
    Fault(
        "who asks in no name sees everything",
        "pricing/accounts/administrators.py",
        "return self.user == self.name == OWNER",
        "return self.by is None",
        (ACCESS,),
        "alone",
    ),
    Fault(
        "new terms void what is left",
        "pricing/subscriptions/boundaries.py",
        "not in {ChangeKind.TRIAL_END, ChangeKind.NEW_TERMS}",
        "not in {ChangeKind.TRIAL_END}",
        (NOTICES,),
        "30_days_away",
    ),
    Fault(
        "an unpaid period is paid for at the new price",
        "pricing/subscriptions/boundaries.py",
        "bool(unpaid_periods(conn, subscription.id))",
        "False",
        (NOTICES,),
        "unpaid_period",
    ),
    Fault(
        "an upgrade leaves the notice of the plan that was left",
        "pricing/accounts/plan_changes.py",
        "in (ChangeKind.DOWNGRADE, ChangeKind.NEW_TERMS):",
        "in (ChangeKind.DOWNGRADE,):",
        (NOTICES,),
        "not_concerned",
    ),
    Fault(
        "a payment that is accepted while on demand is dropped",
        "pricing/accounts/overdue.py",
        "as_it_was_bought(conn, latest(conn, account_id))",
        "latest(conn, account_id)",
        (ANSWERS,),
    ),
    Fault(
        "what is booked while on demand is not shared out",
        "pricing/ledger/allocations.py",
        "for lot in (left_lots(conn, account_id, at) if departments else ())",
        "for lot in (open_lots(conn, account_id, at) if departments else ())",
        (ANSWERS,),
    ),
    Fault(
        "going on demand begins a wallet's month anew",
        "pricing/departments/wallet.py",
        "if cycle is None and subscription.ended_at is None:",
        "if cycle is None and subscription.ended_at is not None:",
        (WALLETS,),
        "c48",
    ),
    Fault(
        "an account is left without an administrator",
        "pricing/accounts/administrators.py",
        "if not (before | set(add)) - set(remove):",
        "if not before | set(add):",
        (ADMINISTRATORS,),
    ),
)
