"""Nothing is sold for money to who owes for a period or a run, and everything to who has paid.

What is owed and what is sold are two tables; each pair that an account can get into is one test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pricing.accounts.account import find_account
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import cancel, confirm_cancel, renew
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.overdue import NothingDueError, pay, set_card
from pricing.accounts.plan_changes import upgrade
from pricing.accounts.plan_history import PlanStatus, plan_history
from pricing.departments.commands import add_department, limit_wallet
from pricing.departments.extra_credits import limit_extra_credits
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, reserve
from pricing.subscriptions.debts import PaymentOverdueError
from pricing.tariffs import LoadSize

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"
OWING = "2027-03-01"
MICROS = 1_000_000


def run_of(
    subscriber: Any,  # noqa: ANN401 - the fixture's account
    plans: Plans,
    at: str,
    run_id: str,
    *,
    minutes: int,
    department: str | None = None,
) -> None:
    """A run of 100 injectors on the account's plan, or on a department's wallet."""
    size = LoadSize(injectors=100, users=10_000, duration_s=60 * minutes)
    with subscriber.books() as conn:
        plan = find_account(conn, subscriber.id).plan
        reserve(
            conn,
            subscriber.id,
            run_id,
            quote_run(plans[plan], size),
            department=department,
            on_demand=quote_run(plans["on-demand"], size),
            now=subscriber.at(at),
            gateway=REHEARSED_GATEWAY,
        )
        charge_start(conn, run_id, now=subscriber.at(at), gateway=REHEARSED_GATEWAY)


def opened(open_subscriber: OpenSubscriber, plan: str) -> Any:  # noqa: ANN401 - the fixture's account
    """With a department that may spend, and where there are any, extra credits."""
    subscriber = open_subscriber(plan, OPENED)
    subscriber.do(add_department, OPENED, "research")
    subscriber.do(limit_wallet, OPENED, "research", 10_000 * MICROS)
    if plan != "on-demand":
        subscriber.do(limit_extra_credits, OPENED, 20_000)
    return subscriber


def owes_a_period(open_subscriber: OpenSubscriber, _plans: Plans) -> Any:  # noqa: ANN401
    subscriber = opened(open_subscriber, "starter")
    subscriber.do(set_card, "2027-01-26", DECLINES)
    return subscriber


def owes_a_run_in_extra_credits(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401
    subscriber = opened(open_subscriber, "starter")
    subscriber.do(set_card, "2027-02-26", DECLINES)
    run_of(subscriber, plans, "2027-02-26", "r1", minutes=37)
    return subscriber


def owes_a_departments_run(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401
    subscriber = opened(open_subscriber, "starter")
    subscriber.do(set_card, "2027-02-26", DECLINES)
    run_of(subscriber, plans, "2027-02-26", "r1", minutes=10, department="research")
    return subscriber


def owes_a_run_on_demand(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401
    subscriber = opened(open_subscriber, "on-demand")
    subscriber.do(set_card, "2027-01-26", DECLINES)
    run_of(subscriber, plans, "2027-01-26", "r1", minutes=10)
    return subscriber


def owes_a_run_and_was_cancelled(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401
    subscriber = opened(open_subscriber, "starter")
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    subscriber.do(set_card, "2027-02-02", DECLINES)
    run_of(subscriber, plans, "2027-02-02", "r1", minutes=10, department="research")
    return subscriber


def owes_a_run_from_before_a_trial(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401
    subscriber = owes_a_run_on_demand(open_subscriber, plans)
    subscriber.do(upgrade, "2027-02-20", plans["trial"])
    return subscriber


SOLD: dict[str, Callable[[Any, Plans], object]] = {
    "a boost": lambda of, _plans: of.do(boost, OWING),
    "an upgrade": lambda of, plans: of.do(upgrade, OWING, plans["professional"]),
    "a renewal": lambda of, _plans: of.do(renew, OWING),
    "a run on demand": lambda of, plans: run_of(of, plans, OWING, "r9", minutes=10),
    "extra credits": lambda of, plans: run_of(of, plans, OWING, "r9", minutes=60),
    "a department's run": lambda of, plans: run_of(
        of, plans, OWING, "r9", minutes=10, department="research"
    ),
}
SUBSCRIBED = ("a boost", "an upgrade", "extra credits", "a department's run")
PAIRS = [
    *((owes_a_period, what) for what in SUBSCRIBED),
    *((owes_a_run_in_extra_credits, what) for what in SUBSCRIBED),
    *((owes_a_departments_run, what) for what in SUBSCRIBED),
    *(
        (owes_a_run_on_demand, what)
        for what in ("an upgrade", "a run on demand", "a department's run")
    ),
    (owes_a_run_and_was_cancelled, "a renewal"),
    (owes_a_run_and_was_cancelled, "an upgrade"),
    (owes_a_run_from_before_a_trial, "an upgrade"),
]


@pytest.mark.parametrize(
    ("owing", "what"), PAIRS, ids=[f"{owing.__name__}-{what}" for owing, what in PAIRS]
)
def test_c42_nothing_is_sold_for_money_before_what_is_owed_was_paid(
    open_subscriber: OpenSubscriber,
    plans: Plans,
    owing: Callable[[OpenSubscriber, Plans], Any],
    what: str,
) -> None:
    subscriber = owing(open_subscriber, plans)
    before = subscriber.view(OWING)
    assert before.unpaid_usd_micros > 0
    with pytest.raises(PaymentOverdueError) as refused:
        SOLD[what](subscriber, plans)
    assert {refused.value.facts["periods"], refused.value.facts["runs"]} == {0, 1}
    assert subscriber.view(OWING) == before
    subscriber.do(set_card, OWING, "tok_good")
    subscriber.do(pay, OWING)
    SOLD[what](subscriber, plans)
    assert subscriber.view(OWING).unpaid_usd_micros == 0


def test_on_demand_a_period_that_was_not_paid_is_not_owed_and_stops_nothing(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = owes_a_period(open_subscriber, plans)
    assert subscriber.view(OWING).account.status == "payment_failure"
    subscriber.do(set_card, OWING, "tok_good")
    on_demand = subscriber.do(to_on_demand, OWING, plans["on-demand"])
    assert (on_demand.unpaid_usd_micros, on_demand.account.status) == (0, "active")
    with subscriber.books() as conn:
        assert plan_history(conn, "acme")[-1].status is PlanStatus.ACTIVE
    with pytest.raises(NothingDueError):
        subscriber.do(pay, OWING)
    run_of(subscriber, plans, OWING, "r1", minutes=10)
    assert subscriber.view("2027-03-26").unpaid_usd_micros == 0


def test_r55_an_undo_brings_back_the_period_that_was_not_paid_and_pay_collects_it(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = owes_a_period(open_subscriber, plans)
    subscriber.do(set_card, OWING, "tok_good")
    subscriber.do(to_on_demand, OWING, plans["on-demand"])
    back = subscriber.do(undo, OWING)
    assert (back.unpaid_usd_micros, back.account.status) == (199 * MICROS, "payment_failure")
    paid = subscriber.do(pay, OWING)
    assert (paid.unpaid_usd_micros, paid.balance_li_minutes) == (0, 3_600)
