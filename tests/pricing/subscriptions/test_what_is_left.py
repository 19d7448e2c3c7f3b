"""What becomes of credits and of debts that outlive what they were bought with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pricing.accounts.on_demand import to_on_demand
from pricing.accounts.overdue import NothingDueError, pay, set_card
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.ledger import balance, entries
from pricing.ledger.reservations import reservation_of
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import Unit, quote_run
from pricing.run_charges.charges import correct, reserve, void_reservation
from pricing.tariffs import LoadSize

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"
NEXT = "2027-02-25"


def give_back(subscriber: Any, run_id: str, at: str) -> int:  # noqa: ANN401 - the fixture's account
    """A run keeps its start-up alone; LI-minutes that came back."""
    with subscriber.books() as conn:
        quote = reservation_of(conn, run_id).quote
        correct(
            conn,
            run_id,
            keep_startup=quote.startup,
            keep_use=0,
            reason="cancelled",
            now=subscriber.at(at),
            gateway=REHEARSED_GATEWAY,
        )
    return int(quote.use)


def lost(subscriber: Any, at: str, why: str) -> int:  # noqa: ANN401
    """LI-minutes that are void, or expired, once the books are up to date."""
    subscriber.view(at)
    with subscriber.books() as conn:
        return balance(conn, subscriber.id, why, Unit.LI_MINUTES)


def test_r51_what_a_run_gives_back_to_credits_that_are_void_is_void_too(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.run("r1", "2027-02-20", plans["starter"], injectors=10, minutes=60)
    subscriber.do(to_on_demand, "2027-02-20", plans["on-demand"])
    assert lost(subscriber, NEXT, "void") == 1_200
    returned = give_back(subscriber, "r1", NEXT)
    assert returned > 0
    assert lost(subscriber, "2027-02-26", "void") == 1_200 + returned


def test_c21_what_a_run_gives_back_to_credits_that_have_expired_has_expired_too(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("basic", OPENED)
    subscriber.run("r1", "2027-02-24 23:50", plans["basic"], injectors=1, minutes=40)
    assert lost(subscriber, NEXT, "expired") == 20
    returned = give_back(subscriber, "r1", NEXT)
    assert returned > 0
    assert lost(subscriber, "2027-02-26", "expired") == 20 + returned
    assert subscriber.view("2027-02-26").balance_li_minutes == 60


def test_what_a_run_that_is_given_up_had_reserved_of_expired_credits_has_expired(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("basic", OPENED)
    quote = quote_run(plans["basic"], LoadSize(1, 100, 40 * 60))
    with subscriber.books() as conn:
        reserve(
            conn,
            "acme",
            "r1",
            quote,
            now=subscriber.at("2027-02-24"),
            gateway=REHEARSED_GATEWAY,
        )
    assert lost(subscriber, NEXT, "expired") == 60 - quote.total
    with subscriber.books() as conn:
        void_reservation(conn, "r1", now=subscriber.at(NEXT), gateway=REHEARSED_GATEWAY)
    assert lost(subscriber, "2027-02-26", "expired") == 60


def test_i8_credits_that_expire_at_a_boundary_are_gone_before_what_it_charges(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("basic", OPENED)
    subscriber.view("2027-04-25")
    with subscriber.books() as conn:
        what = [
            (f"{entry.effective_at.astimezone(subscriber.zone):%m-%d}", entry.natural_key)
            for entry in entries(conn, "acme")
        ]
    kinds = [(day, key.split(":")[-1 if ":close:" not in key else -2]) for day, key in what]
    opened, *later = (kinds[n : n + 3] if n == 0 else kinds[n : n + 4] for n in (0, 3, 7, 11))
    assert [kind for _, kind in opened] == ["charge", "payment", "grant"]
    assert later == [
        [(day, "close"), (day, "charge"), (day, "payment"), (day, "grant")]
        for day in ("02-25", "03-25", "04-25")
    ]


def test_c21_c24_without_rollover_a_period_that_was_not_paid_is_not_owed_after_its_end(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("basic", OPENED)
    subscriber.do(set_card, "2027-02-01", DECLINES)
    assert subscriber.view("2027-03-24 23:59").unpaid_usd_micros == 89_000_000
    subscriber.do(set_card, "2027-03-24 23:59", "tok_good")
    after = subscriber.view("2027-03-25")
    assert (after.unpaid_usd_micros, after.account.status) == (0, "active")
    assert after.balance_li_minutes == 60
    with pytest.raises(NothingDueError):
        subscriber.do(pay, "2027-03-25")
    assert [dollars for _, dollars in subscriber.charges()] == [89, 89]


def test_c24_with_rollover_every_period_that_was_not_paid_is_owed_the_oldest_first(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(set_card, "2027-02-01", DECLINES)
    assert subscriber.view("2027-04-24").unpaid_usd_micros == 2 * 199_000_000
    subscriber.do(set_card, "2027-04-24", "tok_good")
    assert subscriber.do(pay, "2027-04-24").balance_li_minutes == 3 * 1_800
    with subscriber.books() as conn:
        paid = [entry.cause for entry in entries(conn, "acme") if entry.cause.count(":period:")]
    assert list(dict.fromkeys(paid)) == [f"subscription:1:period:{n}" for n in range(3)]


def test_r46_a_downgrade_voids_what_the_plan_granted_and_no_extra_credits(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(limit_extra_credits, "2027-02-01", 1_000)
    subscriber.run("r1", "2027-02-01", plans["professional"], injectors=100, minutes=75)
    assert give_back(subscriber, "r1", "2027-02-01") == 7_000
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    left = [(lot.kind, lot.remaining) for lot in subscriber.view(NEXT).lots]
    assert left == [("plan", 1_800), ("extra", 300)]


def test_r43_c47_what_was_granted_with_rollover_keeps_it_on_a_dearer_plan_without(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    custom = plans["custom"].with_credits(1_000)
    subscriber.do(upgrade, "2027-02-01", custom, agreed_with="rita")
    assert subscriber.view(NEXT).balance_li_minutes == 7_200 + 1_000
    # The new plan's own grants end with their cycle; what was there before does not.
    assert subscriber.view("2027-06-25").balance_li_minutes == 7_200 + 1_000
    subscriber.do(downgrade, "2027-06-26", plans["starter"], agreed_with="rita")
    assert subscriber.view("2027-07-25").balance_li_minutes == 1_800


def test_r43_c47_what_was_granted_without_rollover_does_not_gain_it(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("team", OPENED)
    subscriber.do(upgrade, "2027-02-01", plans["professional"], agreed_with="rita")
    # At once nothing is lost (R43); the 300 were sold until the end of their cycle.
    assert subscriber.view("2027-02-24").balance_li_minutes == 7_200
    assert subscriber.view(NEXT).balance_li_minutes == 6_900 + 7_200
