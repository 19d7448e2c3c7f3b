"""What can be asked of a plan: up, down, on demand and back, boosts, its end (R34-R67, R77-R80)."""

from __future__ import annotations

from datetime import datetime

from tests.independent_model.model.account import Account, Refused, Subscription
from tests.independent_model.model.catalogue import TRIAL, Plan
from tests.independent_model.model.months import day_start, local_day, months_on


def subscribed(account: Account) -> Subscription:
    """The subscription in force; a trial is none, and neither is what is suspended."""
    found = account.active
    if found is None or found.trial_ends_at is not None:
        raise Refused("no subscription")
    return found


def buy(account: Account, price: int) -> None:
    """A purchase whose buyer waits for the answer: without one there is none (R79)."""
    account.check_paid()
    if not account.money.would_pay("purchase", price):
        raise Refused("payment failed")
    account.money.ask("purchase", price)


def check_not_ending(found: Subscription) -> None:
    """A request to cancel does not count before it is confirmed (R58); then the end is settled."""
    if found.cancelling == "confirmed":
        raise Refused("cancelling")


def check_shares(account: Account, plan: Plan) -> None:
    """All allocations together fit into a grant (C31)."""
    if sum(each.allocation for each in account.departments.values()) > plan.credits:
        raise Refused("allocations above the grant")


def upgrade(account: Account, at: datetime, plan: Plan) -> None:
    """At once, for the full difference (R35-R43); or a first subscription."""
    if plan == TRIAL:
        _take_trial(account, at)
        return
    if account.on_demand and account.subscription is not None:
        # Another plan is an undo followed by an upgrade (C38).
        raise Refused("undo first")
    found = account.active
    if found is None or found.trial_ends_at is not None:
        if plan.credits == 0:
            raise Refused("no subscription")
        check_shares(account, plan)
        buy(account, plan.price)
        account.subscribe(plan, at)
        return
    if plan.credits == 0 or plan.price <= found.plan.price:
        raise Refused("no upgrade")
    check_not_ending(found)
    check_shares(account, plan)
    buy(account, plan.price - found.plan.price)
    old = found.plan
    found.plan = account.last_plan = plan
    found.downgrade = None
    account.close_history(at)
    account.open_history(at, plan)
    account.money.sell(at, "subscription", plan.price - old.price)
    if plan.credits > old.credits:
        until = None if plan.rolls_over else account.cycle(found)[1]
        # With it the cycle has the new plan's grant, of which departments may have shares.
        grant = found.number, found.cycle
        account.credits.add("upgrade", plan.credits - old.credits, at, until, cycle=grant)


def _take_trial(account: Account, at: datetime) -> None:
    if account.had_trial:
        raise Refused("trial used")
    if account.active is not None:
        raise Refused("no upgrade")
    if account.on_demand and account.subscription is not None:
        raise Refused("undo first")
    check_shares(account, TRIAL)
    # It costs nothing, so that nothing is sold for money with it (C42).
    account.begin_trial(at)


def downgrade(account: Account, at: datetime, plan: Plan) -> None:
    """From the next boundary on; the last request wins (R44, C37)."""
    del at
    found = subscribed(account)
    if plan.credits == 0 or plan in (TRIAL, found.plan) or plan.price > found.plan.price:
        raise Refused("no downgrade")
    check_not_ending(found)
    check_shares(account, plan)
    found.downgrade = plan


def to_on_demand(account: Account, at: datetime) -> None:
    """At once; what there is of credits is suspended (R49-R53, C2)."""
    if account.on_demand:
        raise Refused("on demand")
    if account.subscription is not None and account.subscription.cancelling == "confirmed":
        # How the subscription ends is settled (C38).
        raise Refused("cancelling")
    account.pay_run_by_run(at)


def undo(account: Account, at: datetime) -> None:
    """Back to the same plan for nothing, with all that waited (R54, R55, C38)."""
    found = account.subscription
    if found is None:
        raise Refused("nothing to undo")
    if account.on_demand:
        account.close_history(at)
        account.on_demand = False
        account.open_history(at, found.plan)
        return
    if found.downgrade is None:
        raise Refused("nothing to undo")
    found.downgrade = None


def boost(account: Account, at: datetime) -> None:
    """One month's credits once more, by the terms of a plan that is coming (R77-R80, C16)."""
    found = subscribed(account)
    # What it adds would be void at the end that is settled: silent, and refused.
    check_not_ending(found)
    plan = found.downgrade or found.plan
    if not plan.boosts:
        raise Refused("no boosts")
    buy(account, plan.boost_price)
    account.money.sell(at, "boost", plan.boost_price)
    until = None if plan.rolls_over else account.cycle(found)[1]
    account.credits.add("boost", plan.credits, at, until)


def cancel(account: Account, at: datetime) -> None:
    """An administrator asks for the end (R56)."""
    del at
    found = subscribed(account)
    if found.cancelling:
        raise Refused("cancelling")
    found.cancelling = "requested"


def confirm_cancel(account: Account, at: datetime) -> None:
    """A representative confirms it: it ends at the next boundary (R58-R60, C30)."""
    del at
    found = account.active
    if found is None or found.cancelling != "requested":
        raise Refused("nothing to confirm")
    found.cancelling = "confirmed"


def renew(account: Account, at: datetime) -> None:
    """Take a cancellation back, or subscribe again within a month of it (R63, C25, C26)."""
    found = account.subscription
    if found is not None and found.cancelling:
        # Also one that waits beneath a switch to on demand (C38).
        found.cancelling = ""
        return
    if account.ended != "cancelled" or account.ended_at is None:
        raise Refused("nothing to renew")
    last_day = months_on(local_day(account.ended_at, account.zone), 1)
    if at >= day_start(last_day, account.zone):
        raise Refused("too late")
    check_shares(account, account.last_plan)
    buy(account, account.last_plan.price)
    account.subscribe(account.last_plan, at)


def pay(account: Account, at: datetime) -> None:
    """Collect what is overdue; each cycle that is paid is granted once (C24)."""
    money, found = account.money, account.active
    if not account.unpaid:
        raise Refused("nothing due")
    runs = [each for each in money.runs.values() if each.state in {"declined", "delayed"}]
    cycles = [] if found is None else sorted(found.unpaid)
    if found is not None and cycles:
        oldest = found.unpaid[cycles[0]].plan.price
        would_pay = money.would_pay((found.number, cycles[0]), oldest)
    else:
        free = money.free if runs[0].state == "declined" else 0
        would_pay = money.answer == "paid" or free >= runs[0].owed
    if not would_pay:
        raise Refused("payment failed")
    for cycle in cycles:
        assert found is not None
        if not account.ask_cycle(found, cycle, at):
            return
    for run in runs:
        money.answered(run)
        if run.state not in {"paid", "lowered"}:
            return


def limit_extra_credits(account: Account, li_minutes: int) -> None:
    """How many may be bought a cycle (R107, C19); on demand there is no cycle to count by."""
    if li_minutes and account.active is None:
        raise Refused("no cycle")
    account.extra_limit = li_minutes
