"""A bank answers for a period while the account is on demand: what was paid is not forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.overdue import payment_answered, set_card
from pricing.departments.commands import add_department, allocate, department_view
from pricing.ledger.ledger import balance
from pricing.payments.gateway import DELAYS, REHEARSED_GATEWAY, PaymentState
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"
KEY = "subscription:1:period:1"


@pytest.fixture
def asked(open_subscriber: OpenSubscriber, plans: Plans) -> Any:  # noqa: ANN401 - the fixture's account
    """On demand since 1 March, while the bank has not answered for the period of 25 February."""
    subscriber = open_subscriber("starter", OPENED)
    with subscriber.books() as conn:
        use = {"now": subscriber.at("2027-01-26"), "gateway": REHEARSED_GATEWAY}
        add_department(conn, "acme", "lab", **use)
        allocate(conn, "acme", "lab", 300, **use)
    subscriber.do(set_card, "2027-02-20", DELAYS)
    subscriber.view("2027-02-26")
    assert subscriber.do(to_on_demand, "2027-03-01", plans["on-demand"]).account.plan == "on-demand"
    return subscriber


def answer(subscriber: Any, at: str, state: PaymentState) -> bool:  # noqa: ANN401
    with subscriber.books() as conn:
        return payment_answered(
            conn, "acme", KEY, state, now=subscriber.at(at), gateway=REHEARSED_GATEWAY
        )


def test_c2_c24_an_accepted_payment_is_booked_and_its_credits_come_back_with_an_undo(
    asked: Any,  # noqa: ANN401
) -> None:
    assert answer(asked, "2027-03-02", PaymentState.ACCEPTED)
    assert not answer(asked, "2027-03-02", PaymentState.ACCEPTED)
    assert [dollars for _, dollars in asked.charges()] == [199, 199]
    assert asked.invoiced() == [199, 199]
    on_demand = asked.view("2027-03-03")
    assert (on_demand.balance_li_minutes, on_demand.unpaid_usd_micros) == (0, 0)
    assert on_demand.pending.suspended_li_minutes == 3_600
    with asked.books() as conn:
        assert balance(conn, "acme", "cash", Unit.USD) == 2 * 199_000_000
        assert balance(conn, "acme", "receivable", Unit.USD) == 0
    assert asked.do(undo, "2027-03-04").balance_li_minutes == 3_600
    with asked.books() as conn:
        lab = department_view(
            conn, "acme", "lab", asked.at("2027-03-04"), gateway=REHEARSED_GATEWAY
        )
    assert [lot.amount for lot in lab.lots] == [300, 300]


def test_r51_without_an_undo_they_are_void_at_the_boundary(asked: Any) -> None:  # noqa: ANN401
    assert answer(asked, "2027-03-02", PaymentState.ACCEPTED)
    assert asked.view("2027-03-25").pending is None
    with asked.books() as conn:
        assert balance(conn, "acme", "void", Unit.LI_MINUTES) == 3_600
    assert [dollars for _, dollars in asked.charges()] == [199, 199]


def test_c24_a_declined_payment_leaves_the_period_to_be_paid_after_an_undo(asked: Any) -> None:  # noqa: ANN401
    assert not answer(asked, "2027-03-02", PaymentState.DECLINED)
    assert asked.view("2027-03-03").unpaid_usd_micros == 0
    assert asked.do(undo, "2027-03-04").unpaid_usd_micros == 199_000_000
    assert [dollars for _, dollars in asked.charges()] == [199]
